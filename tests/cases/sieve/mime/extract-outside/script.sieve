# RFC 5703 7: outside of a loop it is an error.
require ["extracttext", "variables"];
extracttext "t";
