# RFC 5235 3.2.1: four fifths.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "8" { fileinto "yes"; }
