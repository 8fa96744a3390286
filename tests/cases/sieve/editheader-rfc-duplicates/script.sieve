# RFC 5293 7: an edited message is the same message, one copy is stored.
require "editheader";
keep;
addheader "X-Flavor" "vanilla";
keep;
