# RFC 5173 4: the body is one string with CRLF between lines, whatever the store has; so have strings of scripts.
require ["body", "fileinto"];
if body :raw :contains text:
Hello

--inner
.
 { fileinto "yes"; }
