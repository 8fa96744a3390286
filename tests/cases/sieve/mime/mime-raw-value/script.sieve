# RFC 5703 4.1: without an aspect it is the whole value.
require ["mime", "fileinto"];
if header :mime "content-type" "multipart/mixed; boundary=o; x-note=top" { fileinto "yes"; }
