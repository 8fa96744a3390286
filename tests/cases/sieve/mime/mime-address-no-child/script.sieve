# RFC 5703 4.2: the message's own From only.
require ["mime", "fileinto"];
if address :mime "from" "inner@example.net" { fileinto "yes"; }
