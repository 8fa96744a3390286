# RFC 5435 6: the modifier needs both capabilities.
require "variables";
set :encodeurl "a" "b";
