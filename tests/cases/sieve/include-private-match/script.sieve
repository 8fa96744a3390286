# RFC 6609 3.4 with RFC 5229 3.2: match variables are private, too.
require ["include", "variables"];
if header :matches "subject" "* World" { include "a"; }
if string "${1}" "Hello" { redirect "a@example.com"; }
