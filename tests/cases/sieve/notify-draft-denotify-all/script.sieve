# Issue 11.7: without anything it takes back all; later notices are sent.
require "notify";
notify :options "a@example.com";
notify :low :options "b@example.com" :message "x";
denotify;
notify :options "c@example.com" :message "later";
denotify :low;
