# RFC 5173 4: the default match is :is.
require ["body", "fileinto"];
if body "Hello" { fileinto "yes"; }
