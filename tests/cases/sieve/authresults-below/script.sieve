# Issue 11.13: where the site removes such fields of senders, those right below count; what is below the next Received never does.
require "vnd.todoke.authresults";
if authresults "iprev" "pass" { redirect "a@example.com"; }
if authresults "arc" "pass" { discard; }
