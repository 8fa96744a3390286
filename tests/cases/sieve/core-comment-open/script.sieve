# LIBSIEVE 2.1: a comment without end hides the rest: an error, not a short script.
keep;
/* discard;
