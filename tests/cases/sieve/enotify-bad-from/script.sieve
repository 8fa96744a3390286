# RFC 5435 3.3: the syntax of :from is the method's: for mailto an address.
require "enotify";
notify :from "nobody" "mailto:a@example.com";
notify :from "a@example.com, b@example.com" "mailto:a@example.com";
