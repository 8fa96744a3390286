# spec-bosch-sieve-extprograms 7: with :pipe it reads the message.
require ["vnd.dovecot.execute", "variables", "fileinto"];
execute :pipe :output "o" "p";
if string :contains "${o}" "The body." { fileinto "yes"; }
