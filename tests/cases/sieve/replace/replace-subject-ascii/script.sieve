# RFC 5703 5: a Subject is encoded if and only if it is not ASCII.
require ["replace", "fileinto"];
replace :subject "plain words =?x?" "x";
if header "subject" "plain words =?x?" { fileinto "kept"; }
