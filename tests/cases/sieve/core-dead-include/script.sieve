# Issue 11.7: a script that only a dead branch includes may be wrong.
require "include";
if false { include :personal "broken"; }
redirect "a@example.com";
