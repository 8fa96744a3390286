# RFC 6609 3.4.1: no match variables, no namespaces, no other signs.
require ["include", "variables"];
global ["good", "1", "a.b", "x y", ""];
