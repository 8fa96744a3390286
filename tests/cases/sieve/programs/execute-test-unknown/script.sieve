# spec-bosch-sieve-extprograms 8: an unknown program is false in a test.
require ["vnd.dovecot.execute", "fileinto"];
if not execute "p" { fileinto "yes"; }
