# RFC 5703 7: text of HTML comes without its markup.
require ["foreverypart", "mime", "fileinto", "variables", "extracttext"];
foreverypart { if header :mime :contenttype "content-type" "text/html" { extracttext :first 10 "t"; fileinto "[${t}]"; } }
