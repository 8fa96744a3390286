# RFC 4790 9.2.1: i;ascii-casemap folds to upper case, so "_" stands behind "Z".
require ["relational", "variables"];
if string :value "gt" "_" "z" { redirect "a@example.com"; }
if string :value "gt" "[" "a" { redirect "b@example.com"; }
