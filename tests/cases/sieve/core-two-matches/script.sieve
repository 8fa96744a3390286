# RFC 5228 2.7.1: one match type, 2.7.3: one comparator.
if header :is :contains "subject" "x" { keep; }
if header :is :is "subject" "x" { keep; }
if header :comparator "i;octet" :comparator "i;octet" "subject" "x" { keep; }
