# RFC 5703 5: the message itself is a part of the loop, too.
require ["replace", "foreverypart", "fileinto"];
foreverypart { replace "new"; fileinto "once"; }
