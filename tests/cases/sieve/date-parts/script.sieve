# RFC 5260 4.2: every part, in the zone of the field.
require ["date", "variables"];
if not date :originalzone "date" "year" "2026" { discard; }
if not date :originalzone "date" "month" "11" { discard; }
if not date :originalzone "date" "day" "21" { discard; }
if not date :originalzone "date" "date" "2026-11-21" { discard; }
if not date :originalzone "date" "julian" "61365" { discard; }
if not date :originalzone "date" "hour" "12" { discard; }
if not date :originalzone "date" "minute" "34" { discard; }
if not date :originalzone "date" "second" "50" { discard; }
if not date :originalzone "date" "time" "12:34:50" { discard; }
if not date :originalzone "date" "iso8601" "2026-11-21T12:34:50+09:00" { discard; }
if not date :originalzone "date" "std11" "Sat, 21 Nov 2026 12:34:50 +0900" { discard; }
if not date :originalzone "date" "zone" "+0900" { discard; }
if not date :originalzone "date" "weekday" "6" { discard; }
