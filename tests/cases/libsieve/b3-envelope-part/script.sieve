# filters/libsieve/FAULTS B3: a part other than from and to reads memory that nobody wrote; refused.
require "envelope";
if envelope "auth" "x" { discard; }
