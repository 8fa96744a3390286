# RFC 5230 4.3: a subject is one line, whatever a variable brings.
require ["vacation", "variables"];
set "x" "a
b";
vacation :handle "h" :subject "${x}" "t";
