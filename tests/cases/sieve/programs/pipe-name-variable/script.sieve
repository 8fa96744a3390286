# spec-bosch-sieve-extprograms 3: a name is constant.
require ["vnd.dovecot.pipe", "variables"];
pipe "${p}";
