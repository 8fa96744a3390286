# A tag that nobody knows: the nearest of those that this test has.
require ["subaddress", "relational", "envelope"];
if address :locapart "from" "a" { stop; }
if envelope :detai "from" "a" { stop; }
if header :localpar "from" "a" { stop; }
if header :cuont "eq" "from" "1" { stop; }
if header :comparatr "i;octet" "from" "a" { stop; }
if size :ovr 1 { stop; }
redirect :cpoy "a@example.com";
