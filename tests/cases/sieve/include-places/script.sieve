# RFC 6609 3.2: personal is the default; the same name in the other place is another script.
require ["include"];
include "a";
include :global "a";
include :personal "a";
