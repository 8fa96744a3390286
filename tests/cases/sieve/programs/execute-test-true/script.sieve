# spec-bosch-sieve-extprograms 8: the test is true when the program ends well.
require ["vnd.dovecot.execute", "fileinto"];
if execute "p" { fileinto "yes"; }
