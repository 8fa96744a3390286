# RFC 5232 3.3: removeflag, without regard to case; what is not there is no error.
require "imap4flags";
setflag ["a", "b", "c"]; removeflag ["B", "x"]; removeflag "c";
