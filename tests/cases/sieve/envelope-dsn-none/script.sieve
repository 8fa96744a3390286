# RFC 6009 4: what the sender did not say has no value, and matches nothing.
require ["envelope", "envelope-dsn", "relational", "comparator-i;ascii-numeric"];
if envelope :contains ["notify", "ret", "envid", "orcpt"] "" { discard; }
if not envelope :count "eq" :comparator "i;ascii-numeric" ["notify", "ret", "envid", "orcpt"] "0" { discard; }
