# filters/libsieve/FAULTS counting: it never counts to zero; our own engine decides.
require ["relational", "comparator-i;ascii-numeric", "fileinto"];
if header :count "eq" :comparator "i;ascii-numeric" "x-none" "0" { fileinto "none"; }
if header :count "eq" :comparator "i;ascii-numeric" "subject" "1" { fileinto "one"; }
