# spec-bosch-sieve-extprograms 7: :output needs variables.
require "vnd.dovecot.execute";
execute :output "o" "p";
