# RFC 8579 3: where nobody knows what exists, nothing does.
require ["special-use"];
if specialuse_exists "\\Junk" { discard; }
