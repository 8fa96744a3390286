# RFC 5435 7: compatible with all other actions.
require ["enotify", "reject"];
notify "mailto:a@example.com";
reject "no";
