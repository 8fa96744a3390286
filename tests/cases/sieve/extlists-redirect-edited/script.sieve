# RFC 6134 2.3: the argument is not an address, and with :list is not judged as one; without it is.
require "extlists";
redirect :list "a";
redirect "a";
