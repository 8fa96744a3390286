# RFC 5230 4.5: :addresses with names, brackets and dots are the bare addresses.
require ["vacation", "variables"];
set "v" "Carol <carol@example.net>";
vacation :handle "h" :addresses ["Bob <bob@example.com>", "<c@example.com>", "${v}", "foo.@docomo.ne.jp", "d@example.com (D)"] "t";
