# RFC 9042 4: without such a mailbox it is as if :mailboxid was not there, :create included.
require ["fileinto", "mailboxid", "mailbox"];
fileinto :create :mailboxid "nobody-has-this" "B";
fileinto :mailboxid "a" :create "C";
