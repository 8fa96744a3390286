# spec-bosch-sieve-debug 5: its first example; it does nothing else.
require "vnd.dovecot.debug";
if header :contains "subject" "hello" {
  debug_log "Subject header contains hello!";
}
