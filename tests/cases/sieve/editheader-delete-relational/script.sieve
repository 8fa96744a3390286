# RFC 5293 5 with RFC 5231: each field is held against the patterns for itself, so its :count is 1.
require ["editheader", "relational", "comparator-i;ascii-numeric"];
deleteheader :value "gt" :comparator "i;ascii-numeric" "X-Hello" "5";
deleteheader :count "eq" :comparator "i;ascii-numeric" "X-Two" "2";
deleteheader :count "eq" :comparator "i;ascii-numeric" "X-One" "1";
