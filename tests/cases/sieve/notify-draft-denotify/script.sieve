# Issue 11.7: denotify takes back what it names, by id and importance.
require "notify";
notify :id "one" :low :options "a@example.com";
notify :id "two" :normal :options "b@example.com";
notify :low :options "c@example.com" :message "no id";
notify :id "Three" :high :options "d@example.com";
denotify :is "one" :high;
denotify :matches "T*" :normal;
denotify :contains "HRE";
keep;
