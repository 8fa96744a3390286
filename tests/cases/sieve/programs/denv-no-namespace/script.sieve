# spec-bosch-sieve-dovecot-environment 5: without it there is no namespace.
require ["environment", "variables", "fileinto"];
fileinto "${env.name}";
