# RFC 5173 5.2: prologue and epilogue are separate strings.
require ["body", "fileinto"];
if body :content "multipart" :matches "*multi-part*end of the outer*" { fileinto "yes"; }
