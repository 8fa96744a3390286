# spec-bosch-sieve-extprograms 3: no control characters.
require "vnd.dovecot.pipe";
pipe "a	b";
