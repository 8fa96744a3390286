# RFC 5173 4: the empty line behind the header is not part of the body.
require ["body", "fileinto"];
if body :raw :is text:
The body.
.
 { fileinto "yes"; }
