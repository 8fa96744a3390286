# RFC 5232 3.1: setflag replaces (filters/libsieve/FAULTS B2 looped here).
require "imap4flags";
setflag "a"; setflag "b"; keep;
