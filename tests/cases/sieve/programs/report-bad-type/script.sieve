# spec-bosch-sieve-report 3: a type is a token.
require "vnd.dovecot.report";
report "a b" "x" "abuse@example.org";
