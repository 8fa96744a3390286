# RFC 5232 3: a variable without the extension.
require "imap4flags";
setflag "flagvar" "a";
if hasflag "flagvar" "a" { keep; }
