# RFC 5260 appendix A and the calendar: the day before March in years that are and are not leap years.
require ["date", "index"];
if not date :zone "+0000" :index 1 "date" "date" "2000-02-29" { discard; }
if not date :zone "+0000" :index 1 "date" "julian" "51603" { discard; }
if not date :zone "+0000" :index 2 "date" "weekday" "4" { discard; }
if date :zone "+0000" :index 3 "date" "year" "1900" { discard; }
