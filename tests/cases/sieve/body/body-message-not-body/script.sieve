# RFC 5173 5.2: the body of the nested message is not a part of that.
require ["body", "fileinto"];
if body :content "message/rfc822" :contains "Please" { fileinto "yes"; }
