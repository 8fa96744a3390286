# Issue 11.7: scripts of servers that have it built in leave out the require (RFC 5228 2.7.3 wants it): a warning.
if header :comparator "i;unicode-casemap" :is "subject" "HELLO world" { redirect "a@example.com"; }
if header :comparator "i;ascii-numeric" :is "subject" "1" { redirect "b@example.com"; }
