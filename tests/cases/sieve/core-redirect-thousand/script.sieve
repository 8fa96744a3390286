# Issue 11.8: sites with lists in scripts may allow up to 1000 redirects.
redirect "a@example.com";
