# RFC 5703 5: an entity without fields begins with the empty line.
require ["foreverypart", "mime", "replace"];
foreverypart { if header :mime :contenttype :is "Content-Type" "application/exe" { replace :mime "removed"; } }
