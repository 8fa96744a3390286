# spec-bosch-sieve-dovecot-environment 4: - becomes _ in a variable.
require ["vnd.dovecot.environment", "variables", "fileinto"];
fileinto "${env.vnd.dovecot.default_mailbox}/x";
