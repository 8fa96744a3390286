# RFC 5435 3.2: an unknown scheme is an error at run time, not before; behind the test it does no harm.
require "enotify";
if valid_notify_method "tel:+14085551212" { notify "tel:+14085551212"; }
if not valid_notify_method ["mailto:a@example.com", "nonsense"] { redirect "a@example.com"; }
