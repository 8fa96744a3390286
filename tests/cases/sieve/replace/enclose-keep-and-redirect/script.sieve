# RFC 5703 6: the copy kept beside a redirect is the enclosing one.
require "enclose";
enclose :subject "W" "careful";
keep; redirect "x@example.org";
