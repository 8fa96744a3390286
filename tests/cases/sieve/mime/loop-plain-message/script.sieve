# RFC 5703 3: a message that is no MIME is one part.
require ["foreverypart", "fileinto"];
foreverypart { fileinto "x"; }
