# RFC 2046 5.2.1: the enclosed message is never encoded.
require "enclose";
enclose "careful";
