# POSIX 9.3.5: ":" begins a class only behind "[": the bracket expression ends at its first "]", and what follows is outside.
require "regex";
if header :regex "subject" "^[a:b:]\\.x$" { redirect "a@example.com"; }
