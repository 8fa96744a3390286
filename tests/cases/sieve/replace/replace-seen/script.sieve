# RFC 5703 5: tests that follow see the new part.
require ["foreverypart", "mime", "replace", "fileinto", "body"];
if body :contains "removed" { fileinto "before"; }
foreverypart { if header :mime :contenttype :is "Content-Type" "application/exe" { replace "removed"; if header :mime :subtype "content-type" "plain" { fileinto "in"; } } }
if body :contains "removed" { fileinto "after"; }
