# RFC 5703 5: what replace keeps of the old header cannot be removed or added to by editheader.
require ["replace", "editheader", "fileinto"];
replace :subject "new" :from "me@example.jp" "x";
deleteheader "Original-Subject";
deleteheader :index 1 "original-from";
addheader "Original-Subject" "forged";
if allof (exists ["original-subject", "original-from"], not header "original-subject" "forged") { fileinto "kept"; }
