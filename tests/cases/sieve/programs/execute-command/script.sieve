# spec-bosch-sieve-extprograms 7: the implicit keep stays.
require "vnd.dovecot.execute";
execute "p" ["a", "b"];
