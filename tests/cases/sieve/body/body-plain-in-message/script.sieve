# RFC 5173 5.2: the search goes into message/rfc822.
require ["body", "fileinto"];
if body :content "text/plain" :contains "Please say Hello" { fileinto "yes"; }
