# RFC 5703 6: every enclose encloses.
require ["enclose", "fileinto", "mime", "relational", "comparator-i;ascii-numeric"];
enclose "one"; enclose "two";
if header :mime :anychild :type :count "eq" :comparator "i;ascii-numeric" "content-type" "6" { fileinto "yes"; }
