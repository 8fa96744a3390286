# filters/libsieve/FAULTS numbers: what is not a number, or too big, is infinity (RFC 4790 9.1.1), not 0.
require ["relational", "comparator-i;ascii-numeric", "fileinto"];
if header :value "gt" :comparator "i;ascii-numeric" "x-word" "5" { fileinto "word"; }
if header :value "gt" :comparator "i;ascii-numeric" "x-big" "5" { fileinto "big"; }
if header :is :comparator "i;ascii-numeric" "x-big" "1" { fileinto "wrong"; }
if header :value "lt" :comparator "i;ascii-numeric" "x-small" "5" { fileinto "small"; }
