require "include";
include :once "b";
redirect "a@example.com";
