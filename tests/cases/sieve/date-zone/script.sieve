# RFC 5260 4.1: shifted to a zone; the local one by default; zero is Z in iso8601 and +0000 in zone.
require "date";
if date :zone "+0000" "date" "iso8601" "2026-11-21T03:34:50Z" { redirect "a@example.com"; }
if date :zone "-0330" "date" "iso8601" "2026-11-21T00:04:50-03:30" { redirect "b@example.com"; }
if date "date" "iso8601" "2026-11-20T19:34:50-08:00" { redirect "c@example.com"; }
if date :zone "+0000" "date" "zone" "+0000" { redirect "d@example.com"; }
