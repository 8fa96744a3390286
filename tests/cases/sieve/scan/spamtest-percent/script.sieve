# RFC 5235 3.2.2: as a share of 100.
require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :percent "20" { fileinto "yes"; }
