# RFC 5703 4.1: :anychild goes with :mime.
require "mime";
if header :anychild "subject" "x" { keep; }
