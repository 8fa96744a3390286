# RFC 5229 4: match variables cannot be set.
require ["extracttext", "foreverypart", "variables"];
foreverypart { extracttext "1"; }
