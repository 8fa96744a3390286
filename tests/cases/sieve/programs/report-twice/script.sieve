# spec-bosch-sieve-report 3: the second of a type to one address is left out.
require "vnd.dovecot.report";
report "abuse" "it is spam" "abuse@example.org";
report "ABUSE" "again" "Abuse@example.org";
