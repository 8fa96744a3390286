# spec-bosch-sieve-report 3: a variable may turn out to be none.
require ["vnd.dovecot.report", "variables"];
report "${t}" "x" "abuse@example.org";
