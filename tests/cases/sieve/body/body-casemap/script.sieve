# RFC 5173 4: the default comparator does not.
require ["body", "fileinto"];
if body :contains "HELLO" { fileinto "yes"; }
