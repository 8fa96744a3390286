# RFC 8579 4: where no mailbox has the use, the name with it and the name alone are one mailbox.
require ["fileinto", "special-use"];
fileinto :specialuse "\\Junk" "Spam";
fileinto "Spam";
fileinto :specialuse "\\Junk" "Spam";
