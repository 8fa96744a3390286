# filters/libsieve/FAULTS B8: an unknown test, and the message is discarded with a code of success. Ours is an error.
if frobnicate "x" { stop; }
discard;
