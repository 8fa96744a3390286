# Issue 11.13: a script that writes such a field does not make the sender a better one.
require ["vnd.todoke.authresults", "editheader", "relational"];
addheader "Authentication-Results" "mx.example.jp; bimi=pass";
if authresults "bimi" "pass" { discard; }
if authresults :count "eq" "dkim" "2" { redirect "a@example.com"; }
if authresults :count "eq" "bimi" "0" { redirect "b@example.com"; }
