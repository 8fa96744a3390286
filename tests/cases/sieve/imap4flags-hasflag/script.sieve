# RFC 5232 4: the first example.
require "imap4flags";
setflag "A B";
if hasflag :is "b A" { redirect "a@example.com"; }
if hasflag ["b", "A"] { redirect "b@example.com"; }
if hasflag "c" { discard; }
