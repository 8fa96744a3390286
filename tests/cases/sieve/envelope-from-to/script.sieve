# RFC 5228 5.4: the envelope, not the header.
require "envelope";
if envelope :is "from" "bounce@lists.example.org" { redirect "a@example.com"; }
if envelope :domain "to" "example.jp" { redirect "b@example.com"; }
if envelope :localpart :contains "TO" "me" { redirect "c@example.com"; }
