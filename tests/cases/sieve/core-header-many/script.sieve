# RFC 5228 5.7: any of the fields with any of the keys.
if header :contains ["x-nothing", "subject"] ["foo", "WORLD"] { redirect "a@example.com"; }
