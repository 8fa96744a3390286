# RFC 5228 2.7.3: an unknown comparator is an error, not a test that is false (filters/libsieve/FAULTS B9).
if not header :comparator "i;nonsense" :is "subject" "x" { discard; }
