# RFC 6134 2.3: the same for redirect.
require "extlists";
redirect :list "unknown";
