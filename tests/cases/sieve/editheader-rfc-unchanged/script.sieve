# RFC 5293 7: the example that leaves the message as it was.
require "editheader";
addheader "X-Hello" "World";
deleteheader :index 1 "X-Hello";
