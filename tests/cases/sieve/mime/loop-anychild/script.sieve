# RFC 5703 4.1: in a loop :anychild is of the present part.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	if header :mime :anychild :type "content-type" "image" { if header :mime :subtype :matches "content-type" "*" { fileinto "${1}"; } }
}
