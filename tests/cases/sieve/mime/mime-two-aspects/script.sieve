# RFC 5703 4.1: one aspect.
require "mime";
if header :mime :type :subtype "content-type" "x" { keep; }
