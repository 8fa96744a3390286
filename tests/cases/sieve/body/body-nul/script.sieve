# RFC 5173 5.2: a NUL does not end the content.
require ["body", "fileinto"];
if body :content "" :contains "behind" { fileinto "yes"; }
