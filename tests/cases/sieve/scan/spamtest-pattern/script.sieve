# A pattern finds score and measure in one field.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "6" { fileinto "yes"; }
