# RFC 5235 3.2.1: the score of certain spam is 10.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "10" { fileinto "yes"; }
