# Issue 11.8: an action that only repeats an earlier one counts once (RFC 5228 2.10.3), a redirect too.
keep; keep; keep; keep;
redirect "a@example.com"; redirect "a@example.com"; redirect "a@example.com";
