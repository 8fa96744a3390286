# RFC 5293 7: the first and third of them are deleted, not the first and second.
require "editheader";
deleteheader :index 1 "X-Hello";
deleteheader :index 2 "X-Hello";
