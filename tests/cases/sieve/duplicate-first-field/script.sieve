# RFC 7352 3.1: only the first occurrence; unfolded, decoded, trimmed.
require "duplicate";
if duplicate :header "x-id" { redirect "a@example.com"; }
if duplicate :header "x-other" { discard; }
