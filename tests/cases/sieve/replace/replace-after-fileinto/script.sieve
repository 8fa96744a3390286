# RFC 5703 5: earlier actions have the old one.
require ["foreverypart", "mime", "replace", "fileinto"];
fileinto "a";
foreverypart { if header :mime :contenttype :is "Content-Type" "application/exe" { replace "x"; } }
