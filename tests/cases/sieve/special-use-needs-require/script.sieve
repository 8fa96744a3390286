# RFC 8579 5: the capability.
require "fileinto";
fileinto :specialuse "\\Junk" "Spam";
if specialuse_exists "\\Junk" { keep; }
