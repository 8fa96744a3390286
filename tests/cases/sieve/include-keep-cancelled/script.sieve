# RFC 6609 3.1: the implicit keep depends on what all scripts did.
require "include";
include "a";
