# A message with CRLF keeps them.
require "replace";
replace "new";
