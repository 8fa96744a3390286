# spec-bosch-sieve-extprograms 7: a failure leaves the variable as it was.
require ["vnd.dovecot.execute", "variables", "fileinto"];
set "o" "before";
execute :output "o" "p";
fileinto "${o}";
