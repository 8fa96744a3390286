# RFC 5173 5.2: the boundary is in neither prologue nor epilogue.
require ["body", "fileinto"];
if body :content "multipart" :contains "outer--" { fileinto "yes"; }
