# Issue 3: no word about rules that can be true: other comparators, other parts of addresses, fewer headers or keys, rules that
# go on, headers changed in between, an elsif that was passed by because of a branch that goes on.
require ["editheader", "imap4flags", "relational", "variables", "envelope"];
if header :comparator "i;octet" :contains "subject" "a" { keep; stop; }
if header :contains "subject" "a" { keep; stop; }
if address :domain "from" "example.org" { keep; stop; }
if address :localpart "from" "example.org" { keep; stop; }
if address "from" "example.org" { keep; stop; }
if header :contains "to" "abc" { keep; stop; }
if header :contains "to" "ab" { keep; stop; }
if header :contains ["to", "cc"] "abc" { keep; stop; }
if header :contains "bcc" "x" { keep; }
if header :contains "bcc" "x" { keep; stop; }
if header :count "eq" ["x-a", "x-b"] "2" { keep; stop; }
if header :count "eq" "x-a" "2" { keep; stop; }
if header :is "x-flag" "1" { keep; stop; }
addheader "X-Flag" "1";
if header :is "x-flag" "1" { keep; stop; }
if size :over 5M { addflag "big"; }
elsif header :contains "subject" "z" { keep; stop; }
if header :contains "subject" "z" { keep; stop; }
if header :matches "x-c" "*${a}*" { keep; stop; }
if header :matches "x-c" "*${a}*" { keep; stop; }
if envelope "from" "a@b" { keep; stop; }
if envelope "to" "a@b" { keep; stop; }
if not header :contains "x-d" "ab" { keep; stop; }
if not header :contains "x-d" "abc" { keep; stop; }
