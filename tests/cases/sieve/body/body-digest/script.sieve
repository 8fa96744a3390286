# RFC 2046 5.1.5: in a digest, parts without a type are messages.
require ["body", "fileinto"];
if body :content "message/rfc822" :contains "inside" { fileinto "yes"; }
