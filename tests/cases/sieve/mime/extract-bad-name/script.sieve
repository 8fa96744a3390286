# RFC 5229 3: nor can what is no name.
require ["extracttext", "foreverypart", "variables"];
foreverypart { extracttext "a-b"; }
