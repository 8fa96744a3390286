# draft-ietf-sieve-regex-01 5: a modifier of regex.
require ["variables"];
set :quoteregex "q" "a";
