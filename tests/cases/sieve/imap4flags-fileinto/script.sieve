# RFC 5232 5: :flags wins over the internal variable; without it that one is used.
require ["imap4flags", "fileinto"];
setflag "a";
fileinto "one";
fileinto :flags "b" "two";
fileinto :flags "" "three";
