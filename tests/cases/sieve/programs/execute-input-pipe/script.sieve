# spec-bosch-sieve-extprograms 7: :input and :pipe exclude each other.
require "vnd.dovecot.execute";
execute :input "x" :pipe "p";
