# RFC 5260 5: the time of the run; the examples with relational and variables.
require ["date", "relational", "variables", "fileinto"];
if allof (currentdate :value "ge" "date" "2026-11-01", currentdate :value "le" "date" "2026-11-30") { redirect "a@example.com"; }
if anyof (currentdate :is "weekday" "0", currentdate :is "weekday" "6") { redirect "b@example.com"; }
if currentdate :matches "month" "*" { set "month" "${1}"; }
if currentdate :matches "year" "*" { set "year" "${1}"; }
fileinto "${month}-${year}";
if currentdate :zone "+0900" "hour" "19" { redirect "c@example.com"; }
