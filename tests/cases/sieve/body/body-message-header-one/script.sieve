# RFC 5173 5.2: that header is a single string.
require ["body", "fileinto"];
if body :content "message/rfc822" :matches "From:*Subject:*" { fileinto "yes"; }
