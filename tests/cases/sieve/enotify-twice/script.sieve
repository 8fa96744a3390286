# RFC 5435 7: more than one notify is allowed; RFC 5436 2.7: the same to the same is sent once.
require "enotify";
notify :message "a" "mailto:a@example.com";
notify :message "b" "mailto:a@example.com";
notify :message "a" "mailto:b@example.com";
notify :message "a" "mailto:a@example.com";
