# RFC 5435 3.3: a :from of wrong syntax is an error, also when the script runs.
require ["enotify", "variables"];
set "f" "nobody";
notify :from "${f}" "mailto:a@example.com";
