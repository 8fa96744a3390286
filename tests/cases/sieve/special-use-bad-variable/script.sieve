# RFC 8579 4: a use that cannot be, by a variable: no mailbox has it, so the named one is used; one that can be finds its mailbox.
require ["fileinto", "special-use", "variables"];
set "u" "Junk";
if specialuse_exists "${u}" { discard; }
fileinto :specialuse "${u}" "Spam";
fileinto :specialuse "\\${u}" "Other";
