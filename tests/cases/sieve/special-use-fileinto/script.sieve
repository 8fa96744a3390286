# RFC 8579 4: the use finds the mailbox at delivery; the named one is the other choice.
require ["fileinto", "special-use"];
fileinto :specialuse "\\Junk" "Spam";
