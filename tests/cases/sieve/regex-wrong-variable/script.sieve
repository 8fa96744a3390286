# A pattern that a variable made wrong matches nothing.
require ["regex", "variables"];
set "x" "(";
if header :regex "subject" "${x}" { discard; }
