# RFC 6009 3: the capability.
require ["envelope"];
if envelope "notify" "NEVER" { discard; }
