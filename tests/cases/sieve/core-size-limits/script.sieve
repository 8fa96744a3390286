# RFC 5228 5.9: a message of exactly that size is neither over nor under.
if size :over 26 { discard; }
if size :under 26 { discard; }
if size :over 25 { redirect "over@example.com"; }
if size :under 27 { redirect "under@example.com"; }
