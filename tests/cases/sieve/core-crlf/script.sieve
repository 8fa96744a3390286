# RFC 5228 2.2: scripts with CRLF; positions are the same.
if header :contains "subject" "hello" { redirect "a@example.com"; }
foo;
