# five redirects are one too many; nothing of the script is done.
redirect "a@example.com"; redirect "b@example.com"; redirect "c@example.com"; redirect "d@example.com";
redirect "e@example.com";
