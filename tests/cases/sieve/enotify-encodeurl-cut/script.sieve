# RFC 5435 6 with RFC 5229 6: a value that is cut does not end in half an escape.
require ["enotify", "variables"];
set :encodeurl "a" "                      ";
if not string "${a}" "%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20%20" { discard; }
