# RFC 5703 3: break ends the loop; the script goes on.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	if header :mime :type "content-type" "text" { break; }
	if header :mime :subtype :matches "content-type" "*" { fileinto "${1}"; }
}
fileinto "end";
