# RFC 8580 3.1.3 with RFC 8579 4 and RFC 6154 6: a use is a backslash and an atom, in a copy of what is sent too.
require ["vacation", "enotify", "fcc", "special-use"];
vacation :fcc "Sent" :specialuse "Sent" "t";
notify :fcc "Sent" :specialuse "\\a b" "mailto:a@example.org";
