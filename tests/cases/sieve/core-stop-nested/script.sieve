# RFC 5228 3.3: stop within blocks ends all of the script.
if exists "subject" { if exists "from" { redirect "a@example.com"; stop; } }
discard;
