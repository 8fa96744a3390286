# RFC 5173 5.1: transfer encodings stay.
require ["body", "fileinto"];
if body :raw :contains "SGVsbG8=" { fileinto "yes"; }
