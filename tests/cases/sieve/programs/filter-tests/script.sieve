# spec-bosch-sieve-extprograms 6.1: tests that follow see the new message.
require ["vnd.dovecot.filter", "fileinto", "body"];
filter "p";
if allof (header "subject" "new", body :contains "new body", not exists "from") { fileinto "yes"; }
