# Global variables are counted where they are set, whatever script names them.
require ["include", "variables"];
set "global.a" "1"; set "global.b" "1"; set "global.a" "2"; set "global.c" "1";
