# RFC 5230 4.2: the arguments must not have undergone expansion, a handle neither: a sender must not choose it.
require ["vacation", "variables"];
set "x" "1";
vacation :handle "h${x}" "t${x}";
