# RFC 6609 3.4.1: a script that does not declare the name has a variable of its own.
require ["include", "variables"];
global "x";
set "x" "global";
include "a";
if string "${x}" "global" { redirect "main@example.com"; }
