# Issue 11.13: when the first Received line is none of ours, nobody knows where the site begins.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
