# RFC 2046 5.1.1: the line end before a boundary belongs to the boundary.
require ["body", "fileinto"];
if body :content "multipart" :is "pre" { fileinto "yes"; }
