# spec-bosch-sieve-extprograms 7: the name is constant.
require ["vnd.dovecot.execute", "variables"];
execute :output "${a}" "p";
