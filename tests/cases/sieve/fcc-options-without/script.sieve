# RFC 8580 3.1: options of the copy need a copy, and their extensions.
require ["vacation", "fcc", "mailbox"];
vacation :create "t";
vacation :fcc "Sent" :flags "a" "t";
vacation :fcc "Sent" :specialuse "\\Sent" "t";
