# RFC 5703 4.2: address parts apply.
require ["mime", "fileinto"];
if address :mime :anychild :domain "from" "example.net" { fileinto "yes"; }
