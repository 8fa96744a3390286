# Issue 3: keys that no value has: domains have no "@", values no blanks at their ends (RFC 5228 2.4.2.2 trims them).
require "envelope";
if address :domain :is "from" ["example.com", "a@example.com"] { discard; }
if envelope :domain :contains "from" "@example.com" { discard; }
if header :is "subject" " a" { discard; }
if not header :is "subject" "a " { keep; }
if address :localpart "from" "a@b" { discard; }
if header :contains "subject" " a" { discard; }
if address :domain :matches "from" "*@*" { discard; }
