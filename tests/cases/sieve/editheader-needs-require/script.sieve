# RFC 5293 3: both commands need the capability.
addheader "X-A" "v";
