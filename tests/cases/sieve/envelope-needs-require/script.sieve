# RFC 5228 5.4: optional, so it must be required.
if envelope "from" "x" { keep; }
