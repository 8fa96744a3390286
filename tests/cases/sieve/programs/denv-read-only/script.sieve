# spec-bosch-sieve-dovecot-environment 4: items cannot be set.
require ["vnd.dovecot.environment", "variables"];
set "env.name" "x";
