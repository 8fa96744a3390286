# RFC 5173 5.2: the lines marked & of its example: the prologue of the outer multipart.
require ["body", "fileinto"];
if body :content "multipart" :contains "This is a multi-part message in MIME" { fileinto "yes"; }
