# RFC 5435 4: example 4 asks for "mailto:" to see whether there is mailto; a notice to nobody is none.
require "enotify";
if not valid_notify_method "mailto:" { discard; }
notify "mailto:";
