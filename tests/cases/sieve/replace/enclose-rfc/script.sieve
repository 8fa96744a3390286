# RFC 5703 6: the text and the message as it was; Subject of the script; Date and From of now and of the owner.
require "enclose";
enclose :subject "Warning" "careful";
