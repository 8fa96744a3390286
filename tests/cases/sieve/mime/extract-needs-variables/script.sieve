# RFC 5703 7: there must be variables.
require ["extracttext", "foreverypart"];
foreverypart { extracttext "t"; }
