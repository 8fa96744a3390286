# Issue 11.7: both grammars of one word cannot stand in one script.
require ["enotify", "notify"];
notify "mailto:a@example.com";
