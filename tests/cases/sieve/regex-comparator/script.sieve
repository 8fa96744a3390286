# regex draft 4: i;octet and i;ascii-casemap only.
require ["regex", "comparator-i;ascii-numeric"];
if header :regex :comparator "i;ascii-numeric" "subject" "a" { keep; }
