# RFC 5293 4: at the beginning by default, at the end with :last.
require "editheader";
addheader "X-A" "1";
addheader :last "X-B" "2";
addheader "X-C" "3";
