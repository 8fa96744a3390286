# RFC 5703 4.1: any field of any part.
require ["mime", "fileinto"];
if header :mime :anychild "subject" "inner subject" { fileinto "yes"; }
