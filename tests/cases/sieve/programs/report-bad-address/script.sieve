# spec-bosch-sieve-report 3: an address.
require "vnd.dovecot.report";
report "abuse" "x" "nobody";
