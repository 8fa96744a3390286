# RFC 5235 3.2.2: whole numbers, rounded down.
require ["spamtestplus", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest :percent "66" { fileinto "yes"; }
