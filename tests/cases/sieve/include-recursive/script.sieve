# RFC 6609 3.1: a script that includes itself is an error when it runs, and the message is kept.
require "include";
include "a";
