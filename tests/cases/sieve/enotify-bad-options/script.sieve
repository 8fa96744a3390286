# RFC 5435 3.5: options are name=value.
require "enotify";
notify :options ["a=1", "noequal", "-a=1", "=1", "a b=1", "a=line
end"] "mailto:a@example.com";
