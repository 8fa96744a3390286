# RFC 5173 5.2: a type that begins with a slash matches nothing.
require ["body", "fileinto"];
if body :content "/plain" :contains "" { fileinto "yes"; }
