# spec-bosch-sieve-extprograms 6: no output leaves the message.
require ["vnd.dovecot.filter", "fileinto"];
if not filter "p" { if header "subject" "hello world" { fileinto "yes"; } }
