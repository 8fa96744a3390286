# RFC 5260 6: from the last.
require ["mime", "fileinto", "index"];
if header :mime :index 1 :last "x-a" "two" { fileinto "yes"; }
