# Issue 11.13: a host that the site does not name is the internet's: the results below its line do not count.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { discard; }
