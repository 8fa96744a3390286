# Octets that no label stands at are in the charset of Content-Type, where they fit it; the trace says so.
require ["fileinto"];
if header "subject" "привет" { fileinto "yes"; }
