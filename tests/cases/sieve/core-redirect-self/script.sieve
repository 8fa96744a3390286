# Issue 3: a redirect to the owner of the script is a warning.
redirect "me@example.jp";
