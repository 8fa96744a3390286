# RFC 5228 5.4: "to" is what the sender's server said, before aliases of this site.
require "envelope";
if envelope "to" "alias@example.jp" { redirect "a@example.com"; }
