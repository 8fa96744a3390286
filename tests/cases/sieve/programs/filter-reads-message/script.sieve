# spec-bosch-sieve-extprograms 6: it reads the message as it is now.
require ["vnd.dovecot.filter", "fileinto", "body"];
filter "p"; filter "cat";
if body :contains "new body" { fileinto "yes"; }
