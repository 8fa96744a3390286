# RFC 5228 5.4: an unknown part is an error (filters/libsieve/FAULTS B3 read wild memory).
require "envelope";
if envelope "helo" "x" { stop; }
if envelope "fromage" "x" { stop; }
