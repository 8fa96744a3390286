# RFC 5231 4.1, filters/libsieve/FAULTS B9: i;octet has an order, too.
require "relational";
if header :value "gt" :comparator "i;octet" "subject" "HELLO" { redirect "a@example.com"; }
if header :value "lt" :comparator "i;octet" "subject" "hello" { redirect "b@example.com"; }
