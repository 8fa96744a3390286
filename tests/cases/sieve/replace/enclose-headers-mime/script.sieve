# RFC 5703 6: fields of MIME are not copied: the new message has its own.
require "enclose";
enclose :headers ["Content-Type", "MIME-Version", "To"] "careful";
