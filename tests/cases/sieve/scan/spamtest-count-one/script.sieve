# RFC 5235 3.1: :count of a tested message is 1.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :count "eq" :comparator "i;ascii-numeric" "1" { fileinto "yes"; }
