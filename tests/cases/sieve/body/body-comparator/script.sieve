# RFC 5173 6: comparators apply: i;octet knows case.
require ["body", "fileinto"];
if body :comparator "i;octet" :contains "HELLO" { fileinto "yes"; }
