# RFC 5703 4.1: without :anychild only the message's own fields.
require ["mime", "fileinto"];
if header :mime :contenttype "Content-Type" "text/html" { fileinto "yes"; }
