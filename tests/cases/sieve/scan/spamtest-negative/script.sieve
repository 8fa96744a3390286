# RFC 5235 3.2.1: scores below nothing are clear.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "1" { fileinto "yes"; }
