# RFC 5293 4: our own lines end as those of the message do.
require "editheader";
addheader "X-A" "1";
