# RFC 5228 2.7.3: the two built-in comparators may be required too.
require ["comparator-i;octet", "comparator-i;ascii-casemap"];
if header :comparator "i;octet" "subject" "Hello World" { redirect "a@example.com"; }
