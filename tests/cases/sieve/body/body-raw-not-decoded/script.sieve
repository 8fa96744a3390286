# RFC 5173 5.1: transfer encodings stay: what is in them is not seen.
require ["body", "fileinto"];
if body :raw :contains "Hello" { fileinto "yes"; }
