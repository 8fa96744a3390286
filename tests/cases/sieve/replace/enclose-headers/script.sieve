# RFC 5703 6: fields of :headers are copied; Date and From among them are not made.
require "enclose";
enclose :headers ["From", "date", "X-None"] :subject "W" "careful";
