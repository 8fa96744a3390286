# RFC 5173 5.2: the parts in a multipart are not searched for its own type.
require ["body", "fileinto"];
if body :content "multipart" :contains "Hello" { fileinto "yes"; }
