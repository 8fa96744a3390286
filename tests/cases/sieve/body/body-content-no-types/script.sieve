# RFC 5173 5: :content takes its types.
require "body";
if body :content :contains "x" { keep; }
