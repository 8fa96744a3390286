# Issue 3: the lowest level shows actions only.
if header :is "subject" "no" { discard; } else { redirect "a@example.com"; }
