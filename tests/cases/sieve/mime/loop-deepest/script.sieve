# LIMIT_SIEVE_LOOPS: as deep as may be.
require ["foreverypart", "fileinto"];
foreverypart { foreverypart { foreverypart { foreverypart { fileinto "d"; } } } }
