# filters/libsieve/FAULTS B15: the same with two vacations (RFC 5230 4.7).
require "vacation";
vacation "one";
vacation "two";
