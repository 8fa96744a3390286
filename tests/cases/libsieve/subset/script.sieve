# each of these is refused, with its line. LIMIT_LIBSIEVE_STARS: "*a*b*" has as many as fit.
require ["fileinto", "copy", "regex", "relational", "comparator-i;ascii-numeric", "variables", "imap4flags"];
if header :is "subject" "a\"b" { keep; }
if header :is "subject" "a\\" { keep; }
if header :matches "subject" "a\\*b" { keep; }
if header :matches "subject" "*a*b*c*" { keep; }
if header :matches "subject" "*a*b*" { keep; }
if header :regex "subject" "(a{1,2}){3}" { keep; }
if header :regex "subject" "\\d" { keep; }
if header :value "gt" "subject" "a" { keep; }
if header :count "gt" :comparator "i;ascii-numeric" ["subject", "from"] "1" { keep; }
if header :value "gt" :comparator "i;ascii-numeric" "subject" "2147483647" { keep; }
if header :value "gt" :comparator "i;ascii-numeric" "subject" "x" { keep; }
if address :is :comparator "i;ascii-numeric" :localpart "from" "1" { keep; }
if size :over 2G { keep; }
fileinto :copy "a";
set "a" "b";
addflag "a";
if size :over 2147483646 { keep; }
if size :over 2147483647 { keep; }
if header :matches "subject" "abcdefgh*" { keep; }
if header :matches "subject" "nosuch****" { keep; }
