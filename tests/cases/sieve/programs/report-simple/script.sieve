# spec-bosch-sieve-report 3: a report; the implicit keep stays.
require "vnd.dovecot.report";
report "abuse" "it is spam" "abuse@example.org";
