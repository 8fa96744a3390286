# RFC 5229 3: names are compared without case, those of global variables too; :modifiers work on them.
require ["include", "variables"];
global "Test";
set :upper "tEST" "value";
if string :comparator "i;octet" "${GLOBAL.tesT}${TEST}" "VALUEVALUE" { redirect "a@example.com"; }
