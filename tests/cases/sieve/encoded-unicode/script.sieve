# RFC 5228 2.4.2.4: more than one character; UTF-8 comes out.
require "encoded-character";
if header "subject" "Gr${unicode: fc 00DF}e" { redirect "a@example.com"; }
