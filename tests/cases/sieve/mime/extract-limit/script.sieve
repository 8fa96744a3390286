# RFC 5703 7: text may be cut at the limit of variables, between characters.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext "t"; fileinto "[${t}]"; } }
