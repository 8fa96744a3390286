# Issue 3: what was guessed about a charset is told.
if header :is "subject" "Grün" { redirect "a@example.com"; }
