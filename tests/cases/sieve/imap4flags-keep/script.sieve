# RFC 5232 5: :flags on keep.
require "imap4flags";
keep :flags ["\\Seen", "$Label1"];
