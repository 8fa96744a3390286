# RFC 5228 2.4.2: \" and \\ are " and \; before any other character the backslash goes.
if header :is "subject" "say \"hi\" \\ \a" { redirect "a@example.com"; }
