# RFC 5228 2.7.1: a pattern without wildcards is the whole value.
if header :matches "subject" "hello" { discard; }
if header :matches "subject" "hello world" { redirect "a@example.com"; }
