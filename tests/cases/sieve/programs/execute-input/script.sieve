# spec-bosch-sieve-extprograms 7: :input is what it reads, with variables.
require ["vnd.dovecot.execute", "variables", "fileinto"];
set "a" "in";
execute :input "say ${a}" :output "o" "p";
fileinto "${o}";
