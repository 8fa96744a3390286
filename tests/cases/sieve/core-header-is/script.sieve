# RFC 5228 2.7.1: :is is the whole value and the default; without case by i;ascii-casemap.
if header "subject" "hello world" { redirect "a@example.com"; }
if header :is "subject" "hello" { discard; }
