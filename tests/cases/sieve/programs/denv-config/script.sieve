# spec-bosch-sieve-dovecot-environment 3: items of the configuration.
require ["vnd.dovecot.environment", "variables", "fileinto"];
fileinto "${env.vnd.dovecot.config.reason}";
