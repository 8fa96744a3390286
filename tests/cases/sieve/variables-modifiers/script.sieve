# RFC 5229 4.1: the table of the modifiers.
require "variables";
set "a" "juMBlEd lETteRS";
set :length "b" "${a}";
if not string "${b}" "15" { discard; }
set :lower "b" "${a}";
if not string :comparator "i;octet" "${b}" "jumbled letters" { discard; }
set :upperfirst "b" "${a}";
if not string :comparator "i;octet" "${b}" "JuMBlEd lETteRS" { discard; }
set :upperfirst :lower "b" "${a}";
if not string :comparator "i;octet" "${b}" "Jumbled letters" { discard; }
set :quotewildcard "b" "Rock*";
if not string :comparator "i;octet" "${b}" "Rock\\*" { discard; }
set :upper :lowerfirst "b" "${a}";
if string :comparator "i;octet" "${b}" "jUMBLED LETTERS" { redirect "a@example.com"; }
