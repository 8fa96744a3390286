# RFC 5230 5: the same when the script runs.
require ["vacation", "variables"];
set "x" "ü";
vacation :mime "Content-Type: ${x}";
