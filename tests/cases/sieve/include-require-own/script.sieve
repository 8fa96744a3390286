# RFC 6609 3.2: the scope of require is its own script; it is not inherited.
require ["include", "fileinto"];
include "a";
