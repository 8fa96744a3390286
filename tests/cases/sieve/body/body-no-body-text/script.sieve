# RFC 5173 4: the same for :text.
require ["body", "fileinto"];
if body :text :contains "" { fileinto "yes"; }
