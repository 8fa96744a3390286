# RFC 5173 5.2: text/plain is not text/html.
require ["body", "fileinto"];
if body :content "text/plain" :contains "<html>" { fileinto "yes"; }
