# RFC 6609 3.2: :once does nothing where the script was included before, however it was; without :once it runs again.
require ["include", "variables"];
include :once "count";
include :once "count";
include "count";
include :once "count";
if string "${global.n}" "xx" { redirect "a@example.com"; }
