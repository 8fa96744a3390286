# The last line of a reason may be two octets long: it is no empty line.
require "vacation";
vacation :mime "Content-Type: text/plain
ab";
