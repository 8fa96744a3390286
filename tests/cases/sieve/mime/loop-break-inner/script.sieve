# RFC 5703 3: break ends the innermost loop only.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	foreverypart { if header :mime :subtype :matches "content-type" "*" { fileinto "${1}"; } break; }
}
