# RFC 5228 2.7.3: an unknown comparator is an error, not a test that is false (LIBSIEVE B9).
if not header :comparator "i;nonsense" :is "subject" "x" { discard; }
