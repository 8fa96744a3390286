# RFC 6609 3.1: as deep as the site allows.
require "include";
include "a";
