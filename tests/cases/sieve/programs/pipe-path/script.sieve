# spec-bosch-sieve-extprograms 3: a name is no path.
require "vnd.dovecot.pipe";
pipe "/bin/sh";
