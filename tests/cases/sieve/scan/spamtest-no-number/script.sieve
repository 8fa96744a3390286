# RFC 5235 3.2.1: what cannot be read was not tested.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "0" { fileinto "yes"; }
