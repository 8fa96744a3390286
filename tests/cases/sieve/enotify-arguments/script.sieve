# RFC 5435 3.1, 4, 5: number and types of arguments.
require "enotify";
notify;
notify :method "mailto:a@example.com";
notify ["mailto:a@example.com"];
if valid_notify_method { }
if notify_method_capability "mailto:a@example.com" "online" { }
