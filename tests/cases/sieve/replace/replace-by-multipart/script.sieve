# RFC 5703 5: parts that the rule itself put in are not next in its loop, but in later ones.
require ["foreverypart", "mime", "replace", "fileinto", "variables"];
foreverypart {
	if header :mime :contenttype :matches "content-type" "*" { fileinto "${1}"; }
	if header :mime :subtype "content-type" "x-three" { replace :mime text:
Content-Type: multipart/x-new; boundary=n

--n
Content-Type: text/x-in

new
--n--
.
; } }
foreverypart { if header :mime :contenttype "content-type" "text/x-in" { fileinto "found"; } }
