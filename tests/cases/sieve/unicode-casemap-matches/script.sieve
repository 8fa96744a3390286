# RFC 5228 2.7.1: with a UTF-8 comparator ? is a character; RFC 5229 3.2: captures are those of the value.
require ["variables", "fileinto", "comparator-i;unicode-casemap"];
if header :matches :comparator "i;unicode-casemap" "subject" "gr*n ??*" { fileinto "${1}|${2}|${3}|${4}"; }
