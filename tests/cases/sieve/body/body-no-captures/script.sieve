# RFC 5173 6: wildcards set no match variables; those of an earlier match stay.
require ["body", "fileinto", "variables"];
if header :matches "subject" "what*" { }
if body :content "text" :matches "*Hello*" { fileinto "${1}"; }
