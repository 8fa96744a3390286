# RFC 6609 3.3: return goes to the script that included this one, not further.
require "include";
include "a";
redirect "main@example.com";
