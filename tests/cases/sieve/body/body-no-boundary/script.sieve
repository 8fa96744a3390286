# A multipart that names no boundary is one string.
require ["body", "fileinto"];
if body :content "multipart" :contains "one" { fileinto "yes"; }
