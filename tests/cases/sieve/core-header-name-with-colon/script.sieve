# RFC 5228 2.4.2.2: an impossible header name is no error, it matches nothing.
if header :contains "subject:" "hello" { discard; }
if exists "sub ject" { discard; }
