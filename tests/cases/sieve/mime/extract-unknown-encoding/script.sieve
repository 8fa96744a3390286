# RFC 5703 7: an unknown transfer encoding gives the empty string.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext "t"; fileinto "[${t}]"; } }
