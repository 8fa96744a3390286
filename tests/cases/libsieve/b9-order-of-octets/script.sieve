# filters/libsieve/FAULTS B9: :value with i;octet counts as false, so that "not" discards; refused.
require "relational";
if not header :value "gt" :comparator "i;octet" "subject" "a" { discard; }
