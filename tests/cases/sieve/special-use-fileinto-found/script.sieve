# RFC 8579 4: the mailbox that has the use, in any case; of several the named one, else the first; where none has it, the named one.
require ["fileinto", "special-use"];
fileinto :specialuse "\\sent" "Elsewhere";
fileinto :specialuse "\\Junk" "Spam";
fileinto :specialuse "\\Junk" "Elsewhere";
fileinto :specialuse "\\Archive" "Elsewhere";
