# RFC 8580 3.1.3 with RFC 8579 4: the copy goes to the mailbox that has the use; the named one of several; and what can be no use is none.
require ["vacation", "enotify", "fcc", "special-use", "variables"];
vacation :handle "h" :specialuse "\\Sent" :fcc "Elsewhere" "t";
notify :specialuse "\\Junk" :fcc "Spam" "mailto:a@example.org";
set "u" "Sent";
notify :specialuse "${u}" :fcc "Named" "mailto:b@example.org";
