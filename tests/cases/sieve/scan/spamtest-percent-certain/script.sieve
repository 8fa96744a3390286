# RFC 5235 3.2.2: certain is 100.
require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :percent "100" { fileinto "yes"; }
