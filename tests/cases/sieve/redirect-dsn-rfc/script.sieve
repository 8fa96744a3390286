# RFC 6009 6.2: no notification of what becomes of a redirected message.
require ["redirect-dsn"];
redirect :notify "NEVER" "a@example.com";
