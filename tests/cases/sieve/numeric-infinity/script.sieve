# RFC 4790 9.1.1: what does not begin with a digit is positive infinity.
require ["relational", "comparator-i;ascii-numeric", "variables"];
if string :value "gt" :comparator "i;ascii-numeric" "abc" "5" { redirect "a@example.com"; }
if string :is :comparator "i;ascii-numeric" "abc" "" { redirect "b@example.com"; }
if string :is :comparator "i;ascii-numeric" "-1" "1" { discard; }
