# RFC 6009 3: the capability.
redirect :notify "NEVER" "a@example.com";
