# spec-bosch-sieve-extprograms 6.1: what was stored before has the old message.
require ["vnd.dovecot.filter", "fileinto"];
fileinto "a";
filter "p";
