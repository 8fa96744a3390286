# spec-bosch-sieve-report 3: it goes with every other action.
require "vnd.dovecot.report";
discard;
report "abuse" "it is spam" "abuse@example.org";
