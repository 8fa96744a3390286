# RFC 8579 4: the name with a use and the name alone may be two mailboxes.
require ["fileinto", "special-use"];
fileinto :specialuse "\\Junk" "Spam";
fileinto "Spam";
fileinto :specialuse "\\Junk" "Spam";
