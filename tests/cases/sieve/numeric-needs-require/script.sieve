# RFC 5228 2.7.3: other comparators must be required.
if header :comparator "i;ascii-numeric" "subject" "5" { keep; }
