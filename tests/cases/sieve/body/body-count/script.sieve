# RFC 5231 4.2: the number of parts that were looked at: a string a part.
require ["body", "fileinto", "relational", "comparator-i;ascii-numeric"];
if body :content "text" :count "eq" :comparator "i;ascii-numeric" "3" { fileinto "yes"; }
