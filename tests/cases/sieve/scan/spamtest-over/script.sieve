# RFC 5235 3.2.1: over it, too.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "10" { fileinto "yes"; }
