# The local parts of Japanese carriers are no dot-atoms, and are addresses all the same; so are quoted ones, whose quotes go.
redirect "foo.@docomo.ne.jp";
redirect ".foo@docomo.ne.jp";
redirect "foo..bar@docomo.ne.jp";
redirect "\"john smith\"@example.com";
