# RFC 5703 4.1: the subtype.
require ["mime", "fileinto"];
if header :mime :subtype "content-type" "mixed" { fileinto "yes"; }
