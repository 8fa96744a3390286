# RFC 5230 4.7: vacation keeps nothing itself.
require "vacation";
vacation :handle "h" "t"; discard;
