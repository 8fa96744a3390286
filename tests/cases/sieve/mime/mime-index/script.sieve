# RFC 5260 6: :index counts in each part.
require ["mime", "fileinto", "index"];
if header :mime :anychild :index 2 "x-a" "two" { fileinto "yes"; }
