# one variable too many.
require "variables";
set "a" "1"; set "b" "2"; set "c" "3"; set "b" "4";
