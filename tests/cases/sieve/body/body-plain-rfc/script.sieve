# RFC 5173 5.2: the lines marked $ of its example.
require ["body", "fileinto"];
if body :content "text/plain" :contains "Hello" { fileinto "yes"; }
