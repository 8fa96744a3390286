# spec-bosch-sieve-extprograms 7: :output names a variable.
require ["vnd.dovecot.execute", "variables"];
execute :output "1" "p";
