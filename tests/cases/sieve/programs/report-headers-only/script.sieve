# spec-bosch-sieve-report 3: only the header goes along.
require "vnd.dovecot.report";
report :headers_only "abuse" "it is spam" "abuse@example.org";
