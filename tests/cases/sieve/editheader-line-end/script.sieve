# RFC 5293 4: line ends in a value make no field and no body of it.
require "editheader";
addheader "X-A" "one
Bcc: evil@example.com

body";
