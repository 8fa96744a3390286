# RFC 4790 9.1.1: no substrings; RFC 5228 2.7.3 makes that an error.
require "comparator-i;ascii-numeric";
if header :contains :comparator "i;ascii-numeric" "subject" "5" { keep; }
if header :matches :comparator "i;ascii-numeric" "subject" "5" { keep; }
