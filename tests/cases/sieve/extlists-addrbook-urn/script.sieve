# RFC 6134 2.5: the short form and the URN name the same list.
require ["extlists"];
if not header :list "subject" "urn:ietf:params:sieve:addrbook:default" { discard; }
if not header :list "subject" ":addrbook:other" { discard; }
if not valid_ext_list [":addrbook:default", "urn:ietf:params:sieve:addrbook:other"] { discard; }
