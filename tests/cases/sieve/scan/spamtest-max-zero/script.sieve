# RFC 5235 3.2.1: a measure of nothing is none.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "0" { fileinto "yes"; }
