# RFC 5703 7: :first takes a number.
require ["extracttext", "foreverypart", "variables"];
foreverypart { extracttext :first "1" "t"; }
