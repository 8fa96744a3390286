# The same from variables; a line end behind the address is a blank as others.
require "variables";
set "a" "Carol Smith <carol@example.net>";
set "b" "foo.@docomo.ne.jp
";
redirect "${a}";
redirect "${b}";
set "c" "dave@example.net (Dave)";
redirect "${c}";
