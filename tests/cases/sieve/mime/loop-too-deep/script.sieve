# LIMIT_SIEVE_LOOPS: loops in loops; RFC 5703 3 lets a limit be.
require "foreverypart";
foreverypart { foreverypart { foreverypart { foreverypart { foreverypart { } } } } }
