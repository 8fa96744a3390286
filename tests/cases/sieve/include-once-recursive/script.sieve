# RFC 6609 3.2: :once of a script whose inclusion would be recursive is no error, it counts as included.
require "include";
include "a";
redirect "end@example.com";
