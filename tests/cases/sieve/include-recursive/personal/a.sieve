require "include";
redirect "a@example.com";
include "a";
