# RFC 5235 4: of two fields the upper one is the scanner's: what the sender wrote stands below.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "10" { fileinto "yes"; }
