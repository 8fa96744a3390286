# RFC 6009 6: both parameters, in any case and order, with :copy.
require ["redirect-dsn", "copy"];
redirect :ret "hdrs" :copy :notify "Success,FAILURE,delay" "a@example.com";
redirect :ret "FULL" "b@example.com";
