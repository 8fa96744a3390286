# RFC 6609 3.1: more levels than the site allows are an error; the message is kept.
require "include";
include "a";
