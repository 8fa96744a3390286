# RFC 6609 3.4.2: no namespaces below this one, no numbers.
require ["include", "variables"];
set "global.data.from" "me@example.com";
set "global.12" "value";
redirect "${global.12}";
