# spec-bosch-sieve-extprograms 6: what it says is the new message.
require "vnd.dovecot.filter";
filter "p" ["nl", "en"];
