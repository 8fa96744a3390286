# RFC 5229 3: keys and header names expand too.
require "variables";
set "h" "subject"; set "k" "w*d";
if header :matches "${h}" "hello ${k}" { redirect "a@example.com"; }
