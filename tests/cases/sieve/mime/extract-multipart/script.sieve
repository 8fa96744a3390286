# RFC 5703 7: a multipart has no text of its own.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "multipart/alternative" { extracttext "t"; fileinto "[${t}]"; } }
