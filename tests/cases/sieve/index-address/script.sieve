# RFC 5260 6: on address too.
require "index";
if address :index 2 "to" "b@example.org" { redirect "a@example.com"; }
if address :index 1 "to" "b@example.org" { discard; }
