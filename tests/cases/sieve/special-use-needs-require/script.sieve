# RFC 8579 2: the capability.
require "fileinto";
fileinto :specialuse "\\Junk" "Spam";
if specialuse_exists "\\Junk" { keep; }
