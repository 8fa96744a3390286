# RFC 5230 4.1: without :days it is 7 or the minimum, whichever is greater.
require "vacation";
vacation :handle "h" "t";
