# RFC 5231 4.2, 7: every address of the fields.
require ["relational", "comparator-i;ascii-numeric"];
if address :count "eq" :comparator "i;ascii-numeric" ["to", "cc"] "3" { redirect "a@example.com"; }
