# RFC 5260 4: what is wrong is seen before any mail comes.
require "date";
if date "date" "yaer" "2026" { keep; }
if date :zone "JST" "date" "year" "2026" { keep; }
if date :zone "+0900" :originalzone "date" "year" "2026" { keep; }
if currentdate :originalzone "year" "2026" { keep; }
if date ["date", "received"] "year" "2026" { keep; }
