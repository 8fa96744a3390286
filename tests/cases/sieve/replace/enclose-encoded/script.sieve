# RFC 5703 6: a Subject that is not ASCII is encoded.
require ["enclose", "fileinto"];
enclose :subject "Grüße" "x";
if header "subject" "grüße" { fileinto "yes"; }
