# spec-bosch-sieve-report 3: nothing is reported to the owner.
require "vnd.dovecot.report";
report "abuse" "it is spam" "ME@example.jp";
