# RFC 5228 2.7.2: values are decoded.
require ["mime", "fileinto"];
if header :mime "subject" "Café menu" { fileinto "yes"; }
