# A program is an action and counts as one: one too many is a fault, and nothing after it is done.
require "vnd.dovecot.execute";
execute "p";
if execute "q" { discard; }
