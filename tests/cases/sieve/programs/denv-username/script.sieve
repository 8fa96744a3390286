# spec-bosch-sieve-dovecot-environment 3: the item.
require ["vnd.dovecot.environment", "fileinto"];
if environment "vnd.dovecot.username" "me" { fileinto "yes"; }
