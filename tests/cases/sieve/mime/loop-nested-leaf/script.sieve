# RFC 5703 3: a part without parts has nothing to go over.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart {
	if header :mime :type "content-type" "application" { foreverypart { fileinto "never"; } }
}
