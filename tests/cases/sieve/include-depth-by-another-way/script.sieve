# RFC 6609 3.1: scripts that were compiled on a short way may be too deep on a long one: an error when it runs.
require "include";
include "b";
include "a";
