# RFC 5703 4.1: its first example: the type of Content-Type.
require ["mime", "fileinto"];
if header :mime :type "Content-Type" "image" { fileinto "yes"; }
