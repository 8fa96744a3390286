# RFC 5703 4.2: address has no aspects.
require "mime";
if address :mime :type "from" "x" { keep; }
