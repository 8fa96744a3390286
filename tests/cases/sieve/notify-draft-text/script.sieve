# Issue 11.7: $text$ is the first text of the message, not the octets of its parts.
require "notify";
notify :options "a@example.com" :message "$text$|$text[5]$|$text[x]$";
