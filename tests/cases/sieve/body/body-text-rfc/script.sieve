# RFC 5173 5.3: its example.
require ["body", "fileinto"];
if body :text :contains "project schedule" { fileinto "yes"; }
