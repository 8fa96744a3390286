# RFC 6134 2.3: two lists are two redirects, the same list twice is one.
require "extlists";
redirect :list "a";
redirect :list "b";
redirect :list "a";
