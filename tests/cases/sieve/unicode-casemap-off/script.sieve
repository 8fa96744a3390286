# Issue 11.7: what the site has switched off is no comparator, required or not.
if header :comparator "i;unicode-casemap" :is "subject" "HELLO world" { redirect "a@example.com"; }
