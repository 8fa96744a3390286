# spec-bosch-sieve-extprograms 6: an unknown program is a fault.
require "vnd.dovecot.filter";
filter "p";
