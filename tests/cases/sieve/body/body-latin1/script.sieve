# RFC 5173 5.2: ISO-8859-1 becomes UTF-8.
require ["body", "fileinto"];
if body :contains "café" { fileinto "yes"; }
