# spec-bosch-sieve-debug 3: one string.
require "vnd.dovecot.debug";
debug_log ["a", "b"];
