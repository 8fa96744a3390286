# RFC 5228 2.10.2: an explicit keep stands beside a redirect.
redirect "bart@example.com";
keep;
