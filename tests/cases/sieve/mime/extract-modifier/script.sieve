# RFC 5703 7: modifiers are applied to the text.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/plain" { extracttext :upper :first 3 "t"; fileinto "[${t}]"; } }
