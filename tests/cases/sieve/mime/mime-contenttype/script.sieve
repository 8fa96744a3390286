# RFC 5703 4.1: type and subtype together.
require ["mime", "fileinto"];
if header :mime :contenttype "content-type" "multipart/mixed" { fileinto "yes"; }
