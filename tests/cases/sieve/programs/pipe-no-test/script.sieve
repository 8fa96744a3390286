# spec-bosch-sieve-extprograms 8: pipe is no test.
require "vnd.dovecot.pipe";
if pipe "p" { keep; }
