# RFC 5703 3: break :name ends the loop of that name.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart :name "out" {
	foreverypart { if header :mime :subtype :matches "content-type" "*" { fileinto "${1}"; } break :name "out"; }
}
fileinto "end";
