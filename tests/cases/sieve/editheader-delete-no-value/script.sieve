# RFC 5293 5: without patterns match type and comparator are ignored without a word.
require ["editheader"];
deleteheader :comparator "i;octet" :matches "X-Hello";
