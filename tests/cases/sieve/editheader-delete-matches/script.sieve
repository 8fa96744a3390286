# RFC 5293 5: match types and comparators.
require ["editheader"];
deleteheader :comparator "i;octet" :matches "X-Hello" "A*z";
