# RFC 5703 4.2: with :anychild, From of the message in a part.
require ["mime", "fileinto"];
if address :mime :anychild "from" "inner@example.net" { fileinto "yes"; }
