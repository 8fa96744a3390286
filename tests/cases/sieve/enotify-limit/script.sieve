# notices of one message; one over.
require "enotify";
notify "mailto:a0@example.com";
notify "mailto:a1@example.com";
notify "mailto:a2@example.com";
notify "mailto:a3@example.com";
notify "mailto:a4@example.com";
notify "mailto:a5@example.com";
notify "mailto:a6@example.com";
notify "mailto:a7@example.com";
notify "mailto:a8@example.com";
notify "mailto:a9@example.com";
notify "mailto:a10@example.com";
