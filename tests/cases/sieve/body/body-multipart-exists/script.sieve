# RFC 5173 5.2: an empty string tells that such a part is there, though it has no prologue.
require ["body", "fileinto"];
if body :content "multipart/mixed" :contains "" { fileinto "yes"; }
