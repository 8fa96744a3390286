# RFC 5228 8.1: only a doubled dot loses one; a line of one dot ends the text.
require "vacation";
vacation text:
.signature
..
..two
...three
x.y
.
;
