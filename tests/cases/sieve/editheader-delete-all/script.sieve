# RFC 5293 5: all fields of the name by default, without regard to its case.
require "editheader";
deleteheader "x-hello";
