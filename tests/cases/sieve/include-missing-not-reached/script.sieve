# RFC 6609 3.1: an error must not be given before the include is executed.
require "include";
if header "subject" "nothing" { include "nothing"; }
redirect "a@example.com";
