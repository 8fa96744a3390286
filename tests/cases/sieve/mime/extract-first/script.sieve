# RFC 5703 7: :first counts characters, not octets.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :first 4 "t"; fileinto "[${t}]"; } }
