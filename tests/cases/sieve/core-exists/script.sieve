# RFC 5228 5.5: true if all the fields are there; an empty value is there too.
if exists ["From", "Date", "X-Empty"] { redirect "a@example.com"; }
if exists ["From", "X-Nothing"] { discard; }
if not exists ["From","Date"] { discard; }
