require "include";
if header "subject" "nothing" { include "a"; }
redirect "a@example.com";
