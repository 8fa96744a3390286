# RFC 5173 5.2: a type that ends in a slash matches nothing.
require ["body", "fileinto"];
if body :content "text/" :contains "" { fileinto "yes"; }
