# RFC 5703 4.2, 4.3: address and exists without :mime stay the message's, in a loop too.
require ["foreverypart", "mime", "fileinto"];
foreverypart {
	if address "from" "inner@example.net" { fileinto "never"; }
	if not address "from" "boss@example.org" { fileinto "never"; }
	if exists "content-md5" { fileinto "never"; }
	if not exists "subject" { fileinto "never"; }
}
