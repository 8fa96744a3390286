# RFC 5230 4.3: a value that is not good when the script runs is ignored.
require ["vacation", "variables"];
set "f" "nobody";
vacation :handle "h" :from "${f}" "t";
