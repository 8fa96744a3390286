# RFC 5293 4, 5: number and type of arguments.
require "editheader";
addheader "X-A";
addheader "X-A" ["a", "b"];
deleteheader;
deleteheader ["a", "b"];
