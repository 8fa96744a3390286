# RFC 5260 4: no field, no date, or a day that the calendar does not have: false, whatever the keys.
require ["date", "relational"];
if date :matches "x-nothing" "year" "*" { discard; }
if date :matches "subject" "year" "*" { discard; }
if date :matches "date" "year" "*" { discard; }
if date :count "eq" "date" "year" "0" { redirect "a@example.com"; }
