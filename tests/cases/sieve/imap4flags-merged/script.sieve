# RFC 5232 3: when one copy is stored for two actions, the last list of flags wins.
require ["imap4flags", "fileinto"];
fileinto :flags "a" "one";
fileinto :flags "b" "one";
