# RFC 5173 5.2: the epilogue of the inner multipart.
require ["body", "fileinto"];
if body :content "multipart/alternative" :contains "end of the inner MIME" { fileinto "yes"; }
