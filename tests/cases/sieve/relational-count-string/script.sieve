# RFC 5229 5: empty strings do not count.
require ["relational", "comparator-i;ascii-numeric", "variables"];
if string :count "eq" :comparator "i;ascii-numeric" ["a", "", "b"] "2" { redirect "a@example.com"; }
