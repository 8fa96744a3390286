# RFC 5703 5: a :from that turns out to be none is ignored.
require ["replace", "variables"];
set "f" "nobody";
replace :from "${f}" "new";
