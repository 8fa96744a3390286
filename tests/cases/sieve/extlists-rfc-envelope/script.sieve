# RFC 6134 2.9.1: the example with the default address book.
require ["envelope", "extlists", "fileinto", "relational", "comparator-i;ascii-numeric"];
if envelope :list "from" ":addrbook:default" { keep; }
else { fileinto "unknown"; }
