# RFC 5229 3: nor can what is not a name.
require ["extracttext", "foreverypart", "variables"];
foreverypart { extracttext "a-b"; }
