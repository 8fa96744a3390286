# spec-bosch-sieve-dovecot-environment 5: without it its items are unknown.
require ["environment", "fileinto"];
if environment "vnd.dovecot.username" "me" { fileinto "yes"; }
