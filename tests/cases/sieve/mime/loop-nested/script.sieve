# RFC 5703 3: a loop in a loop goes over the parts of the present part.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype "content-type" "multipart/alternative" {
		foreverypart { if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; } }
	}
}
