# spec-bosch-sieve-extprograms 5.1: two programs are none.
require "vnd.dovecot.pipe";
pipe "p";
pipe "q";
