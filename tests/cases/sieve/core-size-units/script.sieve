# RFC 5228 2.4.1: K, M and G in any case; 4G must not become 0.
if size :over 1K { redirect "k@example.com"; }
if not size :under 4G { discard; }
if size :over 2g { discard; }
if size :under 1m { redirect "m@example.com"; }
