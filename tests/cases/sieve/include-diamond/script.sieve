# RFC 6609 3.1: the same script by two ways, one after the other, is no recursion.
require ["include", "variables"];
include "a";
include "b";
if string "${global.n}" "cc" { redirect "a@example.com"; }
