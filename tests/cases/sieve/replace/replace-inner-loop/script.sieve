# RFC 5703 5: an outer loop goes on in the new structure.
require ["foreverypart", "mime", "replace", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; }
	foreverypart { if header :mime :subtype "content-type" "x-two" { replace "gone"; } }
}
