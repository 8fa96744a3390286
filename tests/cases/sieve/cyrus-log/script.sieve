# Issue 11.13: Cyrus' name for debug_log.
require ["vnd.cyrus.log", "variables"];
set "x" "there";
log "we are ${x}";
