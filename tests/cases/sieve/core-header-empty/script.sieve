# RFC 5228 5.7: an empty field contains and is the empty string; a missing one matches nothing.
if header :is "x-empty" "" { redirect "a@example.com"; }
if header :contains "x-nothing" "" { discard; }
if header :contains "x-empty" "" { redirect "b@example.com"; }
if header :matches "x-nothing" "*" { discard; }
