# RFC 5435 3.1: all tags.
require "enotify";
notify :message "m" :options ["a=1", "b.c-d_e="] :importance "2" :from "Me <me@example.com>" "MAILTO:a@example.com";
