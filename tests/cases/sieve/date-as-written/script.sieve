# Dates as programs write them, and what is not a date all the same.
require ["date", "fileinto", "envelope"];
if not date :zone "+0000" "x-zone-600" "iso8601" "2000-01-01T00:59:00Z" { fileinto "wrong-zone-600"; }
if not date :zone "+0000" "x-zone000" "iso8601" "1999-12-31T18:59:00Z" { fileinto "wrong-zone000"; }
if not date :zone "+0000" "x-zone-colon" "iso8601" "1999-12-31T09:59:00Z" { fileinto "wrong-zone-colon"; }
if not date :zone "+0000" "x-zone-930" "iso8601" "2000-01-01T04:29:00Z" { fileinto "wrong-zone-930"; }
if not date :zone "+0000" "x-zone-hours" "iso8601" "1999-12-31T09:59:00Z" { fileinto "wrong-zone-hours"; }
if not date :zone "+0000" "x-zone-gmt" "iso8601" "1999-12-31T09:59:00Z" { fileinto "wrong-zone-gmt"; }
if not date :zone "+0000" "x-zone-comment" "iso8601" "1999-12-31T09:59:00Z" { fileinto "wrong-zone-comment"; }
if not date :zone "+0000" "x-month" "iso8601" "1999-12-31T18:59:00Z" { fileinto "wrong-month"; }
if not date :zone "+0000" "x-sept" "iso8601" "1999-09-01T18:59:00Z" { fileinto "wrong-sept"; }
if not date :zone "+0000" "x-dots" "iso8601" "1999-12-31T13:30:57Z" { fileinto "wrong-dots"; }
if not date :zone "+0000" "x-hyphens" "iso8601" "1999-12-31T13:30:57Z" { fileinto "wrong-hyphens"; }
if not date :zone "+0000" "x-weekday" "iso8601" "1999-12-31T18:59:00Z" { fileinto "wrong-weekday"; }
if not date :zone "+0000" "x-weekday-ru" "iso8601" "1999-12-31T18:59:00Z" { fileinto "wrong-weekday-ru"; }
if not date :zone "+0000" "x-open" "iso8601" "1999-12-31T23:59:00Z" { fileinto "wrong-open"; }
if not date :zone "+0000" "x-open-behind" "iso8601" "1999-12-31T23:59:00Z" { fileinto "wrong-open-behind"; }
if date :zone "+0000" :matches "x-bad-zone" "year" "*" { fileinto "wrong-bad-zone"; }
if date :zone "+0000" :matches "x-bad-month" "year" "*" { fileinto "wrong-bad-month"; }
if date :zone "+0000" :matches "x-bad-word" "year" "*" { fileinto "wrong-bad-word"; }
if date :zone "+0000" :matches "x-bad-zone-digits" "year" "*" { fileinto "wrong-bad-zone-digits"; }
if date :zone "+0000" :matches "x-bad-dots" "year" "*" { fileinto "wrong-bad-dots"; }
