# Signs in a row are counted.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "6" { fileinto "yes"; }
