require "variables";
if not string "${status}" "" { discard; }
set "status" "included";
