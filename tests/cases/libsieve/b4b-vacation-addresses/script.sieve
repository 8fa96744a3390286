# filters/libsieve/FAULTS B4b: an entry of :addresses without a domain is a crash; the library knows nothing of vacation.
require "vacation";
vacation :addresses ["foo"] "x";
