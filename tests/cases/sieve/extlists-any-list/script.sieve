# RFC 6134 2.2: true if at least one value is in at least one list; each address is a value.
require "extlists";
if address :list ["to", "cc"] ["a", "b"] { redirect "a@example.com"; }
if address :domain :list "cc" "c" { redirect "b@example.com"; }
if address :list "from" ["a", "b"] { discard; }
