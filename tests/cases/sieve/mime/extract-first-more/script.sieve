# RFC 5703 7: at most: less is less.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :first 1000 "t"; fileinto "[${t}]"; } }
