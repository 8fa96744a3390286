# RFC 5173 5.2: MIME headers of the part are not in it.
require ["body", "fileinto"];
if body :content "text" :contains "charset" { fileinto "yes"; }
