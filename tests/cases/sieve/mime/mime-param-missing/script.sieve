# RFC 5703 4.1: a parameter that is not there has no value.
require ["mime", "fileinto"];
if header :mime :param "charset" "content-type" "" { fileinto "yes"; }
