# RFC 5231 4.2, the example: one envelope sender.
require ["relational", "comparator-i;ascii-numeric", "envelope"];
if envelope :count "eq" :comparator "i;ascii-numeric" "from" "1" { redirect "a@example.com"; }
