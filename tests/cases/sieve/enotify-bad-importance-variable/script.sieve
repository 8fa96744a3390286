# RFC 5435 3.4: the same when the script runs.
require ["enotify", "variables"];
set "i" "9";
notify :importance "${i}" "mailto:a@example.com";
