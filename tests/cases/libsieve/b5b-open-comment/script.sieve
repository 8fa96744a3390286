# filters/libsieve/FAULTS B5b: an open comment hides what follows; our parser does not let it pass.
keep;
/* open
discard;
