# RFC 5293 4: the same where the run tells.
require ["editheader", "variables", "encoded-character"];
set "x" "${hex:00}";
addheader "X-A" "a${x}b";
