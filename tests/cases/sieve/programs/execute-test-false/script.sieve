# spec-bosch-sieve-extprograms 8: it is false when the program says so.
require ["vnd.dovecot.execute", "fileinto"];
if not execute "p" { fileinto "yes"; }
