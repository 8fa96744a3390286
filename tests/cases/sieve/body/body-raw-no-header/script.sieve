# RFC 5173 4: the header of the message is not part of the body.
require ["body", "fileinto"];
if body :raw :contains "whatever" { fileinto "yes"; }
