# RFC 5173 4: a message that ends with its header has no body: not even the empty string.
require ["body", "fileinto"];
if body :raw :contains "" { fileinto "yes"; }
