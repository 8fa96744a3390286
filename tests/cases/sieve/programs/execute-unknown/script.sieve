# spec-bosch-sieve-extprograms 7: an unknown program is a fault of a command.
require "vnd.dovecot.execute";
execute "p";
