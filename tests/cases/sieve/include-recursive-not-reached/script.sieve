# RFC 6609 3.1: recursion is no error before the walk gets there.
require "include";
include "a";
