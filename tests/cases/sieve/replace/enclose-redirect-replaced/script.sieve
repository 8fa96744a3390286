# RFC 5703 6: as it was before enclose: with what was replaced by then.
require ["replace", "enclose"];
replace "new"; enclose "careful";
redirect "x@example.org";
