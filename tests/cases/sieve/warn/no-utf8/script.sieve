# Strings that are no UTF-8 (RFC 5228 2.1 permits them): in commands, lists, values of tags, and tests within; café here does not matter.
require "variables";
if header :contains "subject" "café" { keep; }
if not anyof (header :contains "subject" ["cafÃ©", "bé"], header :is :comparator "i;octet" "subject" "ÿ") { stop; }
set "a" "é";
