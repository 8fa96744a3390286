# RFC 5231 4.1: with i;ascii-casemap the order is that of the letters.
require "relational";
if header :value "lt" "x-number" "5" { redirect "a@example.com"; }
if header :value "eq" "subject" "HELLO WORLD" { redirect "b@example.com"; }
if header :value "ne" "subject" "other" { redirect "c@example.com"; }
if header :value "ne" "subject" "hello world" { discard; }
