# RFC 5228 2.10.6: after a fault the message is kept as it came.
require ["replace", "variables"];
replace "new";
set "a" "x";
redirect "${a}@";
