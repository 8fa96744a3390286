# RFC 5051 2: title case and decomposition: case of all letters, and composed or not.
require ["variables", "comparator-i;unicode-casemap"];
if string :is :comparator "i;unicode-casemap" "GRÜN" "grün" { redirect "a@example.com"; }
if string :contains :comparator "i;unicode-casemap" "ÄÖÜ" "ö" { redirect "b@example.com"; }
if string :is :comparator "i;unicode-casemap" "é" "é" { redirect "c@example.com"; }
if string :is :comparator "i;unicode-casemap" "grun" "grün" { discard; }
