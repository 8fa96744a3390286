# agent/POSTFIX, INPUT: a message without body, blank line or line end.
if header :is "subject" "last" { redirect "a@example.com"; }
