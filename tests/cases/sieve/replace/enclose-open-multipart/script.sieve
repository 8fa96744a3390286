# A message that leaves a multipart open does not swallow what comes behind it.
require ["enclose", "mime", "fileinto", "relational", "comparator-i;ascii-numeric"];
enclose "x";
if header :mime :anychild :type :count "eq" :comparator "i;ascii-numeric" "content-type" "5" { fileinto "yes"; }
