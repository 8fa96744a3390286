# RFC 5235 3.2.1: a field that is not as expected says nothing.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "0" { fileinto "yes"; }
