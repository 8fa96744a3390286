# spec-bosch-sieve-debug 4: the capability.
debug_log "x";
