# RFC 5703 4: behind the loop :mime is the message's again.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart { if header :mime :type "content-type" "image" { break; } }
if header :mime :type "content-type" "multipart" { fileinto "top"; }
