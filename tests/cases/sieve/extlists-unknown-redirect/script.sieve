# RFC 6134 2.6: the same for redirect.
require "extlists";
redirect :list "unknown";
