# RFC 5173 5.2: the prologue of the inner multipart.
require ["body", "fileinto"];
if body :content "multipart" :contains "nested multi-part message" { fileinto "yes"; }
