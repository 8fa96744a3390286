# RFC 8601 2.5: another authserv-id is somebody else's.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
