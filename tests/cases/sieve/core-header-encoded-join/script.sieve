# RFC 2047 6.2: blanks between encoded words vanish, those beside plain text stay.
if header :is "subject" "ab c" { redirect "a@example.com"; }
