# RFC 5235 3.2.1: scanners write ".5" for a half.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "5" { fileinto "yes"; }
