# RFC 5435 3.3: a value that does not fit is ignored when the script runs.
require ["enotify", "variables"];
set "f" "nobody";
notify :from "${f}" "mailto:a@example.com";
