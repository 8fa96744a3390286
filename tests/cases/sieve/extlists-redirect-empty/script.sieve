# RFC 6134 2.3: nobody would get the message: a fault, and it is kept.
require "extlists";
redirect :list "a";
