# RFC 5229 3.2: the text of the value, not the folded one it was compared by.
require ["fileinto", "variables"];
if header :matches "subject" "hello*" { fileinto "x${1}"; }
