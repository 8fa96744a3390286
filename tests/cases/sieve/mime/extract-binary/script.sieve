# RFC 5703 7: what is no text gives the empty string.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "application/exe" { extracttext "t"; fileinto "[${t}]"; } }
