# RFC 5293 5: :last needs :index; the first field is 1.
require "editheader";
deleteheader :last "X-Hello";
deleteheader :index 0 "X-Hello";
addheader :index 1 "X-Hello" "v";
