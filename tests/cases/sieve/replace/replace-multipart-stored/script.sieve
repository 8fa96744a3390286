# RFC 5703 5: what is left of the multipart.
require ["foreverypart", "mime", "replace"];
foreverypart { if header :mime :subtype "content-type" "alternative" { replace "gone"; } }
