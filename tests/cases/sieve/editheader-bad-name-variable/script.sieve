# RFC 5293 4: the same by a variable, when the script runs; the message is kept as it came (7).
require ["editheader", "variables"];
addheader "X-A" "1";
set "n" "X A";
addheader "${n}" "v";
