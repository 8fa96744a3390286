# RFC 9042 5: the id wins, then the special use, then the name, in whatever order they stand.
require ["fileinto", "mailboxid", "special-use", "copy"];
fileinto :specialuse "\\Junk" :mailboxid "a" "X";
fileinto :mailboxid "b" :specialuse "\\Junk" "X";
fileinto :mailboxid "none" :specialuse "\\Junk" "X";
fileinto :mailboxid "none" :specialuse "\\Nobody" "X";
