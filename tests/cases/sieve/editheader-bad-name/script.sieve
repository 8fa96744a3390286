# RFC 5293 4, 5: a name that no field can have is an error.
require "editheader";
addheader "X A" "v";
addheader "X:" "v";
addheader "" "v";
addheader "Grüße" "v";
deleteheader "X A";
