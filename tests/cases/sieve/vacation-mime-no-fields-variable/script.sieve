# Issue 11.7: the same when only the run tells.
require ["vacation", "variables"];
set "x" "I am away";
vacation :mime "${x}";
