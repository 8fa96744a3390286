# RFC 5235 3.2.1: between is between: a fifth of the way from 1 to 10.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "2" { fileinto "yes"; }
