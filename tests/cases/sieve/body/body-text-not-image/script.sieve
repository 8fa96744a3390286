# RFC 5173 5.3: parts that are no text are not looked at.
require ["body", "fileinto"];
if body :text :contains "Hello" { fileinto "yes"; }
