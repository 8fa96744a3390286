# spec-bosch-sieve-dovecot-environment 3: the same in a test.
require ["vnd.dovecot.environment", "fileinto"];
if environment "vnd.dovecot.config.reason" "because" { fileinto "yes"; }
