# RFC 5703 7: the variable is set, to the empty string too.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
set "t" "before";
foreverypart { if header :mime :contenttype "content-type" "application/exe" { extracttext "t"; fileinto "[${t}]"; } }
