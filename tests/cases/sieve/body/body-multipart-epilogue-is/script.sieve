# RFC 5173 5.2: the epilogue begins behind the line of the last boundary.
require ["body", "fileinto"];
if body :content "multipart" :is text:
post
.
 { fileinto "yes"; }
