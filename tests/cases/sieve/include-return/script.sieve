# RFC 6609 3.3: return ends the included script only, out of any block.
require "include";
include "a";
redirect "main@example.com";
