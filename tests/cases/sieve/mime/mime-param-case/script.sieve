# RFC 2045 5.1: names of parameters have no case.
require ["mime", "fileinto"];
if header :mime :param "X-NOTE" "content-type" "top" { fileinto "yes"; }
