# RFC 5228 8.2: a block may be empty.
if exists "subject" { }
