# RFC 5173 5.2: parts of any type are decoded.
require ["body", "fileinto"];
if body :content "application" :is "Hello" { fileinto "yes"; }
