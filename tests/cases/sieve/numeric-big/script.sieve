# filters/libsieve/FAULTS numbers: 4294967297 is not 1; numbers of any length.
require ["relational", "comparator-i;ascii-numeric", "variables"];
if string :is :comparator "i;ascii-numeric" "4294967297" "1" { discard; }
if string :value "gt" :comparator "i;ascii-numeric" "100000000000000000000000000000" "99999999999999999999999999999" { redirect "a@example.com"; }
if string :is :comparator "i;ascii-numeric" "007 bond" "7" { redirect "b@example.com"; }
