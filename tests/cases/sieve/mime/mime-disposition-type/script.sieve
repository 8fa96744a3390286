# RFC 5703 4.1: :type of Content-Disposition is the disposition.
require ["mime", "fileinto"];
if header :mime :anychild :type "content-disposition" "attachment" { fileinto "yes"; }
