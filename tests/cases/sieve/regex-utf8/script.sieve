# Characters, not octets.
require "regex";
if header :regex "subject" "^.$" { redirect "a@example.com"; }
