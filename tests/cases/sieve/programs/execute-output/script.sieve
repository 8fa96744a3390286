# spec-bosch-sieve-extprograms 7: :output puts what it says into a variable.
require ["vnd.dovecot.execute", "variables", "fileinto"];
execute :output "o" "p";
fileinto "${o}";
