# RFC 5235 3.2.1: tested and clear is 1.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "1" { fileinto "yes"; }
