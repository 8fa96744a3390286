# RFC 5703 4.1: their value is not compared.
require ["mime", "fileinto"];
if header :mime :type :contains "subject" "menu" { fileinto "yes"; }
