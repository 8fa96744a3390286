# RFC 6609 3.1: A includes B which includes A once again.
require "include";
include "a";
