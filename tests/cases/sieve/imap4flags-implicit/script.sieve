# RFC 5232 3: the internal variable applies to the implicit keep.
require "imap4flags";
setflag "\\Seen";
addflag ["work", "\\Flagged"];
