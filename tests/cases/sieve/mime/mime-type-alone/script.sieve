# RFC 5703 4.1: aspects go with :mime.
require "mime";
if header :type "content-type" "x" { keep; }
