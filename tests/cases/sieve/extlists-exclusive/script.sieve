# RFC 6134 2.2: :list is a match type; there is one of them.
require "extlists";
if header :list :contains "subject" "a" { discard; }
if header :list :comparator "i;octet" "subject" "a" { discard; }
