# RFC 5703 3: of two loops of a name it is the inner one.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart :name "x" {
	foreverypart :name "x" { break :name "x"; }
	if header :mime :subtype :matches "content-type" "*" { fileinto "${1}"; }
}
