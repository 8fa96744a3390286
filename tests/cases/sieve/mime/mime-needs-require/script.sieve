# RFC 5703 8: the capability.
if header :mime "subject" "x" { keep; }
