# RFC 6009 4: these are no addresses; an address part beside them is an error.
require ["envelope", "envelope-dsn"];
if envelope :domain "notify" "x" { keep; }
if envelope :localpart ["from", "orcpt"] "x" { keep; }
