# RFC 5231 7: :value with i;ascii-numeric.
require ["relational", "comparator-i;ascii-numeric"];
if header :value "gt" :comparator "i;ascii-numeric" "x-number" "41" { redirect "a@example.com"; }
if header :value "gt" :comparator "i;ascii-numeric" "x-number" "42" { discard; }
if header :value "ge" :comparator "i;ascii-numeric" "x-number" "042" { redirect "b@example.com"; }
if header :value "lt" :comparator "i;ascii-numeric" "x-number" "5" { discard; }
