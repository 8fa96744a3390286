# spec-bosch-sieve-extprograms 5.1: pipe and reject exclude each other.
require ["vnd.dovecot.pipe", "reject"];
pipe "p";
reject "no";
