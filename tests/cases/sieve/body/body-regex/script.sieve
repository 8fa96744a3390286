# RFC 5173 6: further match types apply.
require ["body", "fileinto", "regex"];
if body :regex "sa[yx] hello" { fileinto "yes"; }
