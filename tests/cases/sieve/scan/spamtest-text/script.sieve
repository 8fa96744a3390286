# Words have their values.
require ["spamtest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if spamtest "8" { fileinto "yes"; }
