# RFC 6609 3.2: the scope of require is its own script; it is not passed on.
require "include";
include "a";
fileinto "x";
