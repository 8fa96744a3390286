# RFC 6609 2: all commands need the capability.
include "a";
return;
