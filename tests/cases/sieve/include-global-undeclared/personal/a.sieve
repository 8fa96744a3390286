require ["include", "variables"];
if string "${x}" "" { redirect "empty@example.com"; }
set "x" "own";
if string "${global.x}${x}" "globalown" { redirect "own@example.com"; }
