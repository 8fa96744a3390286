# RFC 4790 9.2: i;ascii-casemap folds A to Z and nothing else.
require "variables";
if string :is "GRÜN" "grün" { discard; }
if string :is "GRüN" "grün" { redirect "a@example.com"; }
