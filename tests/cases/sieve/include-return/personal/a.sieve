require "include";
if exists "from" { if exists "to" { return; } }
redirect "a@example.com";
