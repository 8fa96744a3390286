# RFC 6609 3.2: the name must be a constant string.
require ["include", "variables"];
set "a" "x";
include "${a}";
