# RFC 5228 5.8, 5.9: true and false; such tests are worth a warning.
if true { redirect "a@example.com"; }
if false { discard; }
