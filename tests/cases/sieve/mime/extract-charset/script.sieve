# RFC 5703 7: transfer encoding and charset are undone.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext "t"; fileinto "[${t}]"; } }
