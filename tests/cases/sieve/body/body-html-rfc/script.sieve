# RFC 5173 5.2: the line marked % of its example: markup stays in :content.
require ["body", "fileinto"];
if body :content "text/html" :contains "<body>Hello" { fileinto "yes"; }
