# The same where the site does not name the address: anybody on the host may have sent it.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
