# RFC 5463 4, RFC 6609 3.1: what one script found is not there for another.
require ["include", "ihave"];
if ihave "fileinto" { include "other"; }
fileinto "a";
