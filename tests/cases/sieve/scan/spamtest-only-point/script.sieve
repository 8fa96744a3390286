# RFC 5235 3.2.1: a point is not a number: not tested.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "0" { fileinto "yes"; }
