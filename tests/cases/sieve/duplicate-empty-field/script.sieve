# RFC 7352 3: false positives must be prevented: an empty field tells no message from another.
require "duplicate";
if duplicate :header "x-empty" { discard; }
