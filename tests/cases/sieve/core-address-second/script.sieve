# RFC 5228 5.1: every address of the field is looked at.
if address :is "cc" "other@example.net" { redirect "a@example.com"; }
