# spec-bosch-sieve-dovecot-environment 3: what is not configured is unknown, and no test matches.
require ["vnd.dovecot.environment", "fileinto"];
if environment :matches "vnd.dovecot.config.reason" "*" { fileinto "yes"; }
