# Issue 11.7: another method sends nothing, with a warning; the rest of the script runs.
require "notify";
notify :method "xmpp" :options "a@example.com";
redirect "b@example.com";
