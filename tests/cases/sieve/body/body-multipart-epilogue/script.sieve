# RFC 5173 5.2: the epilogue of the outer multipart.
require ["body", "fileinto"];
if body :content "multipart" :contains "end of the outer MIME" { fileinto "yes"; }
