# spec-bosch-sieve-report 3: another type is another report.
require "vnd.dovecot.report";
report "abuse" "it is spam" "abuse@example.org";
report "fraud" "it is spam" "abuse@example.org";
