# filters/libsieve/FAULTS B7: the empty text block is memory of others; ours is empty.
require "reject";
reject text:
.
;
