# RFC 5293 5: with :last the count is backwards; a number that is too high is no error.
require "editheader";
deleteheader :index 1 :last "X-Hello";
deleteheader :last :index 2 "X-Hello";
deleteheader :index 7 "X-Hello";
deleteheader :index 7 :last "X-Hello";
