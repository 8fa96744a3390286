# RFC 6609 3.2 with RFC 5804 1.6: names of scripts are not empty and hold no control characters.
require "include";
include "";
include "a	b";
include "line
break";
