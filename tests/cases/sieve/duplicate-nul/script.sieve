# RFC 7352 3.1: "any string": a NUL does not end the id, and a backslash is no NUL.
require ["duplicate", "encoded-character"];
if duplicate :uniqueid "a${hex: 00}b" { redirect "a@example.com"; }
if duplicate :uniqueid "a" { discard; }
if duplicate :uniqueid "a\\0b" { discard; }
