# RFC 5232 4: distinct flags; the sum over variables.
require ["imap4flags", "variables", "relational", "comparator-i;ascii-numeric"];
set "MyFlags" "A B a";
set "More" "A";
if hasflag :count "eq" :comparator "i;ascii-numeric" "MyFlags" "2" { redirect "a@example.com"; }
if hasflag :count "eq" :comparator "i;ascii-numeric" ["MyFlags", "More"] "3" { redirect "b@example.com"; }
if hasflag :count "eq" :comparator "i;ascii-numeric" "0" { redirect "c@example.com"; }
