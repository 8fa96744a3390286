# RFC 5228 2.10.3: the same address twice is one redirect.
redirect "bart@example.com";
redirect "bart@example.com";
