# RFC 5228 5.1: only the address counts, never the display name.
if address :contains "from" "name" { discard; }
if address :contains ["from", "to", "cc"] "quoted" { redirect "a@example.com"; }
