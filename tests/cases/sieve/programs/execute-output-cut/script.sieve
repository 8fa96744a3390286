# spec-bosch-sieve-extprograms 7: output may be cut at the limit of variables.
require ["vnd.dovecot.execute", "variables", "fileinto"];
execute :output "o" "p";
set :length "n" "${o}";
fileinto "${n}";
