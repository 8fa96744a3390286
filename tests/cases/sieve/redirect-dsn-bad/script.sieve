# RFC 6009 6 with RFC 3461 4.1, 4.3: what the parameters do not take is an error.
require ["redirect-dsn"];
redirect :notify "SOMETIMES" "a@example.com";
redirect :notify "NEVER,DELAY" "a@example.com";
redirect :notify "SUCCESS, DELAY" "a@example.com";
redirect :notify "" "a@example.com";
redirect :notify "DELAY," "a@example.com";
redirect :ret "ALL" "a@example.com";
