# RFC 5435 3.2: a scheme that is unknown fails at run time; the check tells before, whatever good tags stand before it.
require "enotify";
notify :importance "1" :from "a@example.com" :message "x" "fax:1";
