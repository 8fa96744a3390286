# Issue 11.7: draft-martin-sieve-notify-01: notices of enotify by mailto, the message in the text.
require "notify";
notify :method "mailto" :options ["a@example.com", "Bob <b@example.com>"] :low :message "$from$ / $SUBJECT$ / $env-from$ / $other$ / $text[4]$ $";
