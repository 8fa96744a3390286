# RFC 5230 4.7: it is execution that counts.
require "vacation";
if exists "x-nothing" { vacation "a"; } else { vacation :handle "h" "b"; }
