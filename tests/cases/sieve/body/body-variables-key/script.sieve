# RFC 5173 6: variables in keys and types are expanded.
require ["body", "fileinto", "variables"];
set "t" "text/html"; set "k" "<BODY>";
if body :content "${t}" :contains "${k}" { fileinto "yes"; }
