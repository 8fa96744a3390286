# RFC 5235 3.2.2: clear is 0.
require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :percent "0" { fileinto "yes"; }
