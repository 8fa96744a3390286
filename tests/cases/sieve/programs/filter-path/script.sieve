# spec-bosch-sieve-extprograms 8: a wrong name is an error of a test, too.
require "vnd.dovecot.filter";
if filter "a/b" { keep; }
