# Issue 11.13: its words.
require "vnd.todoke.authresults";
if authresults "dmarc" { keep; }
if authresults :property "dkim" "pass" { keep; }
if authresults :nosuch "dkim" "pass" { keep; }
