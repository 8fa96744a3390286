# spec-bosch-sieve-extprograms 4: arguments may have variables, and line ends: no shell reads them.
require ["vnd.dovecot.pipe", "variables"];
set "a" "x; rm";
pipe "p" "${a}";
