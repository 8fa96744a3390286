# RFC 5703 4.1: other fields have no parameters.
require ["mime", "fileinto"];
if header :mime :param "x" "subject" "" { fileinto "yes"; }
