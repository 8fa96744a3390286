# RFC 8579 3, 4: number and types of arguments.
require ["fileinto", "special-use"];
if specialuse_exists { keep; }
if specialuse_exists ["a", "b"] "\\Junk" { keep; }
fileinto :specialuse ["\\Junk"] "a";
keep :specialuse "\\Junk";
