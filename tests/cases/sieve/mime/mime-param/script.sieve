# RFC 5703 4.1: a parameter.
require ["mime", "fileinto"];
if header :mime :param "x-note" "content-type" "top" { fileinto "yes"; }
