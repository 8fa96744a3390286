# RFC 5435 2: the capability.
notify "mailto:a@example.com";
