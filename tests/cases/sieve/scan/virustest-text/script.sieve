# Words have their values.
require ["virustest", "fileinto", "relational", "comparator-i;ascii-numeric"];
if virustest "3" { fileinto "yes"; }
