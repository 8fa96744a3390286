# RFC 8579 4 with RFC 6154 6: a use is a backslash and an atom.
require ["fileinto", "special-use"];
fileinto :specialuse "Junk" "Spam";
fileinto :specialuse "\\" "Spam";
fileinto :specialuse "\\a b" "Spam";
if specialuse_exists ["\\Junk", "Drafts"] { keep; }
