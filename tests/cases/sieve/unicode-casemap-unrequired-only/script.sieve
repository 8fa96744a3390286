# Issue 11.7: the same alone: it runs.
if header :comparator "i;unicode-casemap" :is "subject" "HELLO world" { redirect "a@example.com"; }
