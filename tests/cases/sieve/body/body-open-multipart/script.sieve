# A multipart without its last boundary still has parts; it has no epilogue.
require ["body", "fileinto"];
if body :content "text" :contains "one" { fileinto "yes"; }
