# RFC 5173 5.2: the lines marked ! of its example: the header of the message in the part.
require ["body", "fileinto"];
if body :content "message/rfc822" :contains "hello request" { fileinto "yes"; }
