# Zones as programs write them: fewer digits, a colon, a name before them. What is no zone is no date.
require ["date", "fileinto"];
if not date :zone "+0000" "x-three" "time" "01:00:00" { fileinto "three"; }
if not date :zone "+0000" "x-colon" "time" "00:30:00" { fileinto "colon"; }
if not date :zone "+0000" "x-one" "time" "01:00:00" { fileinto "one"; }
if not date :zone "+0000" "x-two" "time" "15:00:00" { fileinto "two"; }
if not date :zone "+0000" "x-name" "time" "01:00:00" { fileinto "name"; }
if not date :originalzone "x-minus" "zone" "-0330" { fileinto "minus"; }
if date :matches "x-bad1" "year" "*" { fileinto "bad1"; }
if date :matches "x-bad2" "year" "*" { fileinto "bad2"; }
if date :matches "x-bad3" "year" "*" { fileinto "bad3"; }
if date :matches "x-bad4" "year" "*" { fileinto "bad4"; }
if date :matches "x-bad5" "year" "*" { fileinto "bad5"; }
if date :matches "x-bad6" "year" "*" { fileinto "bad6"; }
if date :matches "x-bad7" "year" "*" { fileinto "bad7"; }
fileinto "done";
