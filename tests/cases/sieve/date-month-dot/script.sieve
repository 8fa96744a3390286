# Month and year as others write them (RFC 5322 4.3, RFC 850): "Dec.", "1-Dec-26", "Sept".
require "date";
if date :zone "+0000" "x-dot" "date" "2026-12-01" { redirect "dot@example.com"; }
if date :zone "+0000" "x-hyphens" "date" "2026-12-01" { redirect "hyphens@example.com"; }
if date :zone "+0000" "x-long" "date" "2026-09-01" { redirect "long@example.com"; }
if date :zone "+0000" "x-three" "date" "2001-12-01" { redirect "three@example.com"; }
if date :matches :zone "+0000" "x-wrong" "date" "*" { discard; }
