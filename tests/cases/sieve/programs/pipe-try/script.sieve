# spec-bosch-sieve-extprograms 5: :try: its failure is no fault of the script.
require "vnd.dovecot.pipe";
pipe :try "p" "a";
