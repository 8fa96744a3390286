# RFC 5173 5.3: markup may be stripped for :text, and is.
require ["body", "fileinto"];
if body :text :contains "<body>" { fileinto "yes"; }
