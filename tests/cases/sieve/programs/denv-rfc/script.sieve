# spec-bosch-sieve-dovecot-environment 4: its example: the variable.
require ["variables", "fileinto", "mailbox"];
require "vnd.dovecot.environment";
fileinto :create "User/${env.vnd.dovecot.username}";
