# spec-bosch-sieve-extprograms 3: a name has a letter at least.
require "vnd.dovecot.pipe";
pipe "";
