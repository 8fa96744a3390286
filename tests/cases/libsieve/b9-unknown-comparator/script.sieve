# filters/libsieve/FAULTS B9: an unknown comparator counts as false, so that "not" discards. Ours is an error.
if not header :comparator "i;nonsense" :is "subject" "x" { discard; }
