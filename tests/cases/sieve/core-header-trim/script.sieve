# RFC 5228 2.4.2.2: leading and trailing blanks are no part of the value.
if header :is "subject" "two words" { redirect "a@example.com"; }
