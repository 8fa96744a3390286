# RFC 5435 3.4: importance is "1", "2" or "3".
require "enotify";
notify :importance "4" "mailto:a@example.com";
notify :importance "" "mailto:a@example.com";
notify :importance 1 "mailto:a@example.com";
