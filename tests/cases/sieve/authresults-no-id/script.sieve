# Issue 11.13: without a setting nothing counts, with a warning.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
