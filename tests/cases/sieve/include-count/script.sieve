# The number of scripts has a limit; the same one again does not count.
require "include";
include "a";
include "a";
include "b";
