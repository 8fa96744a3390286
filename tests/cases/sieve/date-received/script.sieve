# RFC 5260 4: the date behind the last semicolon of a Received field; comments are none of it.
require "date";
if date :originalzone "received" "time" "12:34:56" { redirect "a@example.com"; }
