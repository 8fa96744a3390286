# RFC 6609 3.4.2: the namespace is an error without include.
require "variables";
set "global.x" "1";
