# filters/libsieve/FAULTS B2: two setflags make an endless list; refused, our own engine serves.
require "imap4flags";
setflag "a";
setflag "b";
keep;
