# Two addresses in one variable are a fault, and so is a line end within: nothing is sent.
require "variables";
set "a" "carol@example.net, dave@example.net";
redirect "${a}";
