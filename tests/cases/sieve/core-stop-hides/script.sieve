# Issue 3: commands behind a stop are never reached: a warning at the first of them.
keep;
stop;
discard;
redirect "a@example.com";
