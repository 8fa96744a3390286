# Issue 11.13: what it is for: refuse only what a verified sender sent.
require ["vnd.todoke.authresults", "reject"];
if authresults "dmarc" "pass" { reject "not wanted"; } else { discard; }
