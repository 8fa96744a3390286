# RFC 6009 6: each takes one string; only redirect has them.
require ["redirect-dsn", "fileinto"];
redirect :notify ["NEVER"] "a@example.com";
redirect :ret :notify "NEVER" "a@example.com";
fileinto :notify "NEVER" "x";
redirect :notify "NEVER" :notify "NEVER" "a@example.com";
