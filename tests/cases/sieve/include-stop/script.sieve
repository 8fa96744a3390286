# RFC 6609 3.2: stop in an included script ends all of them.
require "include";
include "a";
redirect "main@example.com";
