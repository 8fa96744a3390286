# RFC 2046 5.1.1: a line that begins with the boundary is one, whatever stands behind it.
require ["mime", "body", "fileinto"];
if header :mime :anychild :param "filename" "content-disposition" "a.exe" { fileinto "exe"; }
if body :text :contains "hello" { fileinto "text"; }
