# RFC 8580 6.1: "fcc" of mailto is "yes"; a scheme alone will do; of another method nothing is known.
require ["enotify", "fcc"];
if not notify_method_capability "mailto:a@example.com" "fcc" "yes" { discard; }
if not notify_method_capability "mailto:" "FCC" "yes" { discard; }
if notify_method_capability "mailto:a@example.com" "fcc" "no" { discard; }
if notify_method_capability "xmpp:a@example.com" "fcc" ["yes", "no"] { discard; }
