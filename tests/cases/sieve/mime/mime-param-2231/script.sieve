# RFC 2231: parameters in pieces and charsets.
require ["mime", "fileinto"];
if header :mime :param "filename" "content-disposition" "grüße.txt" { fileinto "yes"; }
