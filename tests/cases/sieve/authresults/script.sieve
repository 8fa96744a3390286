# RFC 8601: results of the site; a match of any result of the method counts.
require "vnd.todoke.authresults";
if authresults "dmarc" "pass" { redirect "a@example.com"; }
if authresults "DKIM" ["fail"] { redirect "b@example.com"; }
if authresults :property "header.d" "dkim" "good.example" { redirect "c@example.com"; }
if authresults :property "HEADER.D" "dkim" "list.example" { discard; }
if authresults :matches :property "header.b" "dkim" "*=" { redirect "d@example.com"; }
