# RFC 5703 4.1: its :subtype is blank.
require ["mime", "fileinto"];
if header :mime :anychild :subtype "content-disposition" "" { fileinto "yes"; }
