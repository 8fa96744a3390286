# RFC 5703 5: a multipart goes with all parts in it; the loop does not enter them.
require ["foreverypart", "mime", "replace", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; }
	if header :mime :subtype "content-type" "alternative" { replace "gone"; }
}
