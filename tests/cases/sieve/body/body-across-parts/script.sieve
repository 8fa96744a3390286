# RFC 5173 5.2: a key does not match across parts.
require ["body", "fileinto"];
if body :content "text" :matches "*Hello*<html>*" { fileinto "yes"; }
