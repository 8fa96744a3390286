# RFC 5231 4.2: the number of fields, over all names; zero too.
require ["relational", "comparator-i;ascii-numeric"];
if header :count "eq" :comparator "i;ascii-numeric" ["x-a", "subject"] "4" { redirect "a@example.com"; }
if header :count "eq" :comparator "i;ascii-numeric" "x-nothing" "0" { redirect "b@example.com"; }
if header :count "gt" :comparator "i;ascii-numeric" "x-a" ["5", "2"] { redirect "c@example.com"; }
