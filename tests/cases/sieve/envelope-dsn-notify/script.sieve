# RFC 6009 4: the conditions, each a value; :count counts them.
require ["envelope", "envelope-dsn", "relational", "comparator-i;ascii-numeric"];
if not envelope "notify" "success" { discard; }
if not envelope :is "notify" ["NEVER", "DELAY"] { discard; }
if envelope "notify" ["NEVER", "FAILURE"] { discard; }
if not envelope :count "eq" :comparator "i;ascii-numeric" "notify" "2" { discard; }
