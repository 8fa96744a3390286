# A word without a value was no test.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "0" { fileinto "yes"; }
