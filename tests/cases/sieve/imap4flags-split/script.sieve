# RFC 5232 2: blanks separate flags; empty strings, doubles and what is no settable flag are ignored.
require "imap4flags";
setflag ["  \\Seen   \\seen ", "", "a b", "A", "\\Recent", "\\Nonsense", "gr${x}ün"];
