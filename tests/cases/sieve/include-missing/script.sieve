# RFC 6609 3.1: a missing script is an error when it runs, not when the script is stored.
require "include";
redirect "a@example.com";
include "nothing";
