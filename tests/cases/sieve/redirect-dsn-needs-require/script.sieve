# RFC 6009 2: the capability.
redirect :notify "NEVER" "a@example.com";
