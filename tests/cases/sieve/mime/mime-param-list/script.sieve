# RFC 5703 4.1: any of the listed parameters.
require ["mime", "fileinto"];
if header :mime :param ["charset", "boundary"] "content-type" "o" { fileinto "yes"; }
