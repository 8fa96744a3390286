# RFC 5703 4.1: :count with :param is of the parameters of those names that are there.
require ["mime", "fileinto", "relational", "comparator-i;ascii-numeric"];
if header :mime :anychild :param ["charset", "boundary", "none"] :count "eq" :comparator "i;ascii-numeric" "content-type" "4" { fileinto "yes"; }
