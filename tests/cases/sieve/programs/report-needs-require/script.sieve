# spec-bosch-sieve-report 4: the capability.
report "abuse" "x" "a@example.org";
