# RFC 5231 6: an unknown relation is an error (filters/libsieve/FAULTS B9: it was false).
require "relational";
if header :value "xx" "subject" "5" { keep; }
if header :count "subject" "5" { keep; }
if header :value { keep; }
