# RFC 6009 2: the capability.
require ["envelope"];
if envelope "notify" "NEVER" { discard; }
