# RFC 5228 2.7.1 and 5.7: "X-Caffeine: C8H10N4O2" and the four answers.
if header :is "X-Caffeine" "" { discard; }
if header :contains "X-Caffeine" "" { redirect "contains@example.com"; }
if header :is "x-caffeine" ["C8H10N4O2"] { redirect "is@example.com"; }
