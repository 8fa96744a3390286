# RFC 6134 2.3: an item that is not an address is a fault, as it is without :list.
require "extlists";
redirect :list "a";
