# RFC 5703 4.1: its second example: any part of that type.
require ["mime", "fileinto"];
if header :mime :anychild :contenttype "Content-Type" "text/html" { fileinto "yes"; }
