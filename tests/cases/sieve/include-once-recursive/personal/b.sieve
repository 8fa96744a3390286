require "include";
include :once "a";
redirect "b@example.com";
