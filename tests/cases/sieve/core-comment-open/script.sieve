# filters/libsieve/FAULTS language: a comment without end hides the rest: an error, not a short script.
keep;
/* discard;
