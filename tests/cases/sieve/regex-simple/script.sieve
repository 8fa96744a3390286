# regex draft 4: an extended regular expression anywhere in the value, by i;ascii-casemap.
require "regex";
if header :regex "subject" "^hel+o (w|x)orld$" { redirect "a@example.com"; }
if header :regex :comparator "i;octet" "subject" "^hello" { discard; }
if header :regex "subject" "o W" { redirect "b@example.com"; }
