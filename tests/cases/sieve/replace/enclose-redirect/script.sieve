# RFC 5703 6: a redirect sends the message as it was.
require "enclose";
enclose "careful";
redirect "x@example.org";
