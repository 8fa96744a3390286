# Issue 11.7: what is wrong in the words of the draft.
require "notify";
notify;
notify :method "sms" :options "12345@example.com";
notify :options "not an address";
notify :low :high :options "a@example.com";
denotify :is "a" :contains "b";
notify "mailto:a@example.com";
