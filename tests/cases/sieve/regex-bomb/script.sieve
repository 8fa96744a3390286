# Issue 3: a pattern with a bad mind ends in a named limit, never a hang.
require "regex";
if header :regex "subject" "^(a|aa)+$" { discard; }
