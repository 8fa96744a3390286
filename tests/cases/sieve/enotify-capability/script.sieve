# RFC 5435 5, RFC 5436 2.2: "online" of mailto is "maybe"; the capability's name has no case; what is unknown or wrong fails.
require ["enotify", "relational", "comparator-i;ascii-numeric"];
if not notify_method_capability "mailto:a@example.com" "Online" ["yes", "MAYBE"] { discard; }
if notify_method_capability "mailto:a@example.com" "online" ["yes", "no"] { discard; }
if notify_method_capability "mailto:a@example.com" "other" "maybe" { discard; }
if notify_method_capability "xmpp:a@example.com" "online" "maybe" { discard; }
if notify_method_capability "mailto:@" "online" "maybe" { discard; }
if not notify_method_capability :contains "mailto:a@example.com" "online" "ayb" { discard; }
if not notify_method_capability :count "eq" :comparator "i;ascii-numeric" "mailto:a@example.com" "online" "1" { discard; }
