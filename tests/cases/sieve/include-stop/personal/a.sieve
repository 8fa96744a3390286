require "include";
include "b";
redirect "a@example.com";
