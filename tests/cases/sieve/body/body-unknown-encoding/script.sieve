# RFC 2045 6.4: an unknown transfer encoding is left as it is.
require ["body", "fileinto"];
if body :content "" :contains "as it is" { fileinto "yes"; }
