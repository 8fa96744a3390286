# A content filter gives the message back from an address that the site names: what stands above the first line counts.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { redirect "a@example.com"; }
if authresults "spf" "pass" { discard; }
