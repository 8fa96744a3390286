# RFC 6609 3.2: names lead nowhere else: what looks like a path is a script that is not there.
require "include";
include "../global/a";
