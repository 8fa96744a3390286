# RFC 5230 4.7: a script fails if it executes two of them.
require "vacation";
vacation "a";
vacation "b";
