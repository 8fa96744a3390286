# spec-bosch-sieve-extprograms 9: the capability.
pipe "p";
