# RFC 5322 4.3: two-digit years, named zones, comments, no seconds.
require "date";
if date :zone "+0000" "date" "iso8601" "1999-12-31T23:59:00Z" { redirect "a@example.com"; }
