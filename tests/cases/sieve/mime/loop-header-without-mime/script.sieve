# RFC 5703 4.1: header without :mime stays the message's.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart { if header "subject" "inner subject" { fileinto "never"; } }
