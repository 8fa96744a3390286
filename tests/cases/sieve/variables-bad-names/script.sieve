# RFC 5229 4: the name is a constant, an identifier, and no match variable.
require "variables";
set "1" "x";
set "a b" "x";
set "${a}" "x";
set "" "x";
set "foo.bar" "x";
keep;
if string "${foo.bar}" "x" { keep; }
