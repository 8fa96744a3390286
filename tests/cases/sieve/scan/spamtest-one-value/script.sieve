# RFC 5235 3.2: one value, not a list.
require "spamtest";
if spamtest ["1", "2"] { keep; }
