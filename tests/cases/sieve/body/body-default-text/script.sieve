# RFC 5173 5: the default is :text.
require ["body", "fileinto"];
if body :contains "Hello" { fileinto "yes"; }
