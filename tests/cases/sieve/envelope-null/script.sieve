# RFC 5228 5.4: the null reverse-path is the empty string, whatever the address part.
require "envelope";
if envelope :all :is "from" "" { redirect "a@example.com"; }
if envelope :domain :is "from" "" { redirect "b@example.com"; }
if envelope :localpart :is "from" "" { redirect "c@example.com"; }
if envelope :contains "from" "x" { discard; }
