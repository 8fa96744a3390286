# RFC 5231 4.2: values of all parts are counted.
require ["mime", "fileinto", "relational", "comparator-i;ascii-numeric"];
if header :mime :anychild :type :count "eq" :comparator "i;ascii-numeric" "content-type" "7" { fileinto "yes"; }
