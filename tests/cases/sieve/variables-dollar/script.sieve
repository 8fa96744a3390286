# RFC 5229 3: what a variable expands to is not looked at again.
require "variables";
set "dollar" "$";
set "text" "regarding ${dollar}{beep}";
if string "${text}" "regarding ${dollar}{beep}" { redirect "a@example.com"; }
