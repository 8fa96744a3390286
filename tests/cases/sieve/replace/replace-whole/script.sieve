# RFC 5703 5: outside of loops it is the whole message; its other fields stay.
require "replace";
replace "new";
