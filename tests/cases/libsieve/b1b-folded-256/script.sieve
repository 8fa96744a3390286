# filters/libsieve/FAULTS B1b: folded lines of 256 octets; the library never sees a header block.
require "fileinto";
if header :contains "x-a" "end" { fileinto "a"; }
