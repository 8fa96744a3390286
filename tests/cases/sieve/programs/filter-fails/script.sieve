# spec-bosch-sieve-extprograms 6: a failure leaves the message; the script goes on.
require ["vnd.dovecot.filter", "fileinto"];
filter "p";
if header "subject" "hello world" { fileinto "Translated"; }
