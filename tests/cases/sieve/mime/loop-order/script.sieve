# RFC 5703 3: every part, the message itself first, depth first.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; }
}
