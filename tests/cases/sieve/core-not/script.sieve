# RFC 5228 5.10: not turns the result round.
if not header :is "subject" "no" { redirect "a@example.com"; }
if not not exists "x-nothing" { discard; }
