# RFC 6009 6 with RFC 5229: a value from a variable; a wrong one is a fault.
require ["redirect-dsn", "variables"];
set "n" "never";
redirect :notify "${n}" "a@example.com";
redirect :ret "${n}" "b@example.com";
