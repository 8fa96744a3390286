# RFC 5490 3.3, 4.1: each has a capability of its own.
require "mailbox";
if metadata "INBOX" "/private/a" "x" { keep; }
if servermetadata "/private/a" "x" { keep; }
