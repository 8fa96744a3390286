# RFC 5435 3.2: wrong URI syntax is an error; RFC 6068 2 says what is right.
require "enotify";
notify "mailto:@";
notify "mailto:nobody";
notify "mailto:a@example.com?subject";
notify "mailto:a@example.com?subject=50%";
notify "mailto:a@example.com?subject=%zz";
notify "mailto:a@example.com?subject=two words";
notify "mailto:a@example.com?to=b";
notify "mailto:a@example.com#x";
notify "mailto:a@example.com?x%20y=1";
