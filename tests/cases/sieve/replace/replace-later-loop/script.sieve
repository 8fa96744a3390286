# RFC 5703 5: later loops go over the new structure.
require ["foreverypart", "mime", "replace", "fileinto", "variables"];
foreverypart { if header :mime :subtype "content-type" "alternative" { replace "gone"; } }
foreverypart { if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; } }
