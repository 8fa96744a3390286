# RFC 9042 7: where the copy of an answer goes.
require ["vacation", "fcc", "mailboxid", "enotify"];
vacation :fcc "Sent" :mailboxid "s" "I am away";
notify :fcc "Sent" :mailboxid "none" "mailto:a@example.com";
