# draft-ietf-sieve-regex-01 5: its precedence is that of :quotewildcard; it needs the require of regex.
require ["regex", "variables"];
set :quoteregex :quotewildcard "q" "a";
