# A second Content-Type is read like the first.
require ["mime", "fileinto"];
if header :mime :type "content-type" "image" { fileinto "yes"; }
