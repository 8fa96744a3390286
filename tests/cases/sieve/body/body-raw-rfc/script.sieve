# RFC 5173 5.1: its example: literal text in parts or in MIME headers.
require ["body", "fileinto"];
if body :raw :contains "boundary=inner" { fileinto "yes"; }
