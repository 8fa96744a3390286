# The limit is a setting; what fits is done.
require "enotify";
notify "mailto:a0@example.com";
notify "mailto:a1@example.com";
