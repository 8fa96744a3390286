# spec-bosch-sieve-report 3: variables everywhere.
require ["vnd.dovecot.report", "variables"];
set "t" "abuse"; set "m" "it is spam"; set "a" "abuse@example.org";
report "${t}" "${m}" "${a}";
