# RFC 8580 6: a copy of the notice.
require ["enotify", "fcc"];
notify :fcc "INBOX.Sent" :message "You got mail!" "mailto:ken@example.com";
