# What asks the same of the same relation is never asked again; another relation, or another number, is another question.
require ["relational", "comparator-i;ascii-numeric"];
if header :value "gt" :comparator "i;ascii-numeric" "x-level" "5" { discard; }
elsif header :value "gt" :comparator "i;ascii-numeric" "x-level" "5" { redirect "same@example.com"; }
elsif header :value "ge" :comparator "i;ascii-numeric" "x-level" "5" { redirect "ge@example.com"; }
elsif header :value "gt" :comparator "i;ascii-numeric" "x-level" "4" { redirect "four@example.com"; }
elsif header :count "gt" :comparator "i;ascii-numeric" "x-level" "5" { redirect "count@example.com"; }
