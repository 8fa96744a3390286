# RFC 9042 8: the capability is "mailboxid".
require "fileinto";
fileinto :mailboxid "s" "x";
if mailboxidexists "a" { keep; }
