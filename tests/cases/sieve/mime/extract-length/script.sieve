# RFC 5703 7: :length of what was taken.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :length :first 4 "t"; fileinto "[${t}]"; } }
