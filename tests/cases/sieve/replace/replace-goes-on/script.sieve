# RFC 5703 5: the loop goes on behind the replaced part.
require ["foreverypart", "mime", "replace", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; }
	if header :mime :contenttype :is "Content-Type" "application/exe" { replace "removed"; }
}
