# RFC 8601 5: what stands below the Received line by which the message came, a sender may have written.
require "vnd.todoke.authresults";
if authresults "dmarc" "fail" { discard; }
if authresults "iprev" "pass" { discard; }
if authresults "arc" "pass" { discard; }
