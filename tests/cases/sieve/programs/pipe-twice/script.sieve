# spec-bosch-sieve-extprograms 5.1: the same program twice is an error.
require ["vnd.dovecot.pipe", "copy"];
pipe "p" "a";
pipe :copy "p" "b";
