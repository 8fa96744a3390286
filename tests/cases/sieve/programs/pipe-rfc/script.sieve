# spec-bosch-sieve-extprograms 10.1: its first example: the program has the message, the INBOX has not.
require [ "vnd.dovecot.pipe", "subaddress", "envelope" ];
if envelope :detail "to" "request"
{
  pipe "request-handler";
}
