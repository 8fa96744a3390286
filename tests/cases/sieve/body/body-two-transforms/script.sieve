# RFC 5173 5: one transform.
require "body";
if body :raw :text "x" { keep; }
