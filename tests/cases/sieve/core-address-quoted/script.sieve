# RFC 5228 2.7.4: the whole address has the quotes that it needs, or what it is captured for means another; those of a half are none of it.
require ["variables", "envelope"];
if address :matches "from" "*" { redirect "${1}"; }
if address :localpart :is "from" "john smith" { redirect "half@example.org"; }
if address :is "to" ["foo.@docomo.ne.jp", "ab@example.org"] { redirect "bare@example.org"; }
if envelope :matches "from" "*" { redirect "${1}"; }
