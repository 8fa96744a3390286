# RFC 6609 3.4: variables are private to their script, whatever their names.
require ["include", "variables"];
set "status" "main";
include "a";
if string "${status}" "main" { redirect "a@example.com"; }
