# RFC 5703 4.1: its :contenttype is its :type.
require ["mime", "fileinto"];
if header :mime :anychild :contenttype "content-disposition" "attachment" { fileinto "yes"; }
