# RFC 2045 6.1: the encoding's name may be followed by a comment.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :first 4 "t"; fileinto "[${t}]"; } }
