# RFC 8601 7.1: a sender writes a Received line of the site's, too, says the name of its host in HELO, and the results above it.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
if authresults "spf" "fail" { redirect "a@example.com"; }
