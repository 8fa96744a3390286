# Scores may have a sign and blanks.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "10" { fileinto "yes"; }
