# RFC 5490 3.3: match types, comparators, variables, relational.
require ["mboxmetadata", "variables", "relational", "comparator-i;ascii-numeric"];
set "box" "Work";
if metadata :matches "${box}" "/private/a" "hello *" { redirect "${1}@example.com"; }
if metadata :value "gt" :comparator "i;ascii-numeric" "Work" "/private/n" "9" { redirect "b@example.com"; }
if metadata :count "eq" "Work" "/private/n" "1" { redirect "c@example.com"; }
