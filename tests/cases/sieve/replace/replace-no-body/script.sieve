# A message that is only a header gets a body.
require "replace";
replace "new";
