# spec-bosch-sieve-dovecot-environment 4: all items are variables, not only Dovecot's.
require ["vnd.dovecot.environment", "variables", "fileinto"];
fileinto "${env.location}";
