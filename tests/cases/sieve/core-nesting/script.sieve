# RFC 5228 2.10.7: fifteen levels of tests and blocks at least.
if not not not not not not not not not not not not not not not not exists "x-nothing" { discard; }
if true { if true { if true { if true { if true { if true { if true { if true { if true { if true {
if true { if true { if true { if true { if exists "to" { redirect "a@example.com"; } } } } } } } } } } } } } } }
