# spec-bosch-sieve-dovecot-environment 4: an item that is not there is empty.
require ["vnd.dovecot.environment", "variables", "fileinto"];
fileinto "x${env.nothing}";
