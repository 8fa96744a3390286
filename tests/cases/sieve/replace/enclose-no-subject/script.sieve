# RFC 5703 6: without :subject it is that of the enclosed message.
require "enclose";
enclose "careful";
