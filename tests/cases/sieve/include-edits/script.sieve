# RFC 6609 3.5: edits of the header are seen by included scripts, and theirs afterwards.
require ["include", "editheader"];
addheader "X-One" "1";
deleteheader "X-Number";
include "a";
if allof (exists "X-Two", not exists "X-Empty") { redirect "main@example.com"; }
