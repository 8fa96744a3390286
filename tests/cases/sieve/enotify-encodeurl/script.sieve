# RFC 5435 6: precedence 15: after :lower and :quotewildcard, before :length; octets, not characters.
require ["enotify", "variables"];
set :encodeurl "a" "AZaz09-._~ /?#[]@!$&'()*+,;=%ü";
if not string :comparator "i;octet" "${a}" "AZaz09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%C3%BC" { discard; }
set :encodeurl :lower "b" "A Z";
if not string :comparator "i;octet" "${b}" "a%20z" { discard; }
set :length :encodeurl "c" "ü";
if not string "${c}" "6" { discard; }
set :encodeurl :quotewildcard "d" "*";
if not string "${d}" "%5C%2A" { discard; }
