# spec-bosch-sieve-extprograms 5.2: :copy needs its extension.
require "vnd.dovecot.pipe";
pipe :copy "p";
