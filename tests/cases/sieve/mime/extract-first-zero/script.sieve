# RFC 5703 7: at most none.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :first 0 "t"; fileinto "[${t}]"; } }
