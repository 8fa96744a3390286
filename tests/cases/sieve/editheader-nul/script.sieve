# RFC 5293 4: a value with a NUL is an error, not cut in silence.
require ["editheader", "encoded-character"];
addheader "X-A" "a${hex:00}b";
