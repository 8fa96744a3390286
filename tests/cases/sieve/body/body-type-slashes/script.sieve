# RFC 5173 5.2: a type with two slashes matches nothing.
require ["body", "fileinto"];
if body :content "text/plain/x" :contains "" { fileinto "yes"; }
