# filters/libsieve/FAULTS sender: the null sender never matches "" there (RFC 5228 5.4); our own engine decides it.
require ["envelope", "fileinto"];
if envelope :is "from" "" { fileinto "bounce"; }
if envelope :is "to" "me@example.org" { fileinto "me"; }
