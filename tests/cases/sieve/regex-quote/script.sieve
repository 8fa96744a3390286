# draft-ietf-sieve-regex-01 5: :quoteregex makes a text match itself only.
require ["regex", "variables", "fileinto"];
set :quoteregex "q" "a.b*c[d]{2}(e|f)^$+?\\x";
if string :regex "a.b*c[d]{2}(e|f)^$+?\\x" "^${q}$" { fileinto "same"; }
if string :regex "axb*c[d]{2}(e|f)^$+?\\x" "^${q}$" { fileinto "other"; }
fileinto "${q}";
