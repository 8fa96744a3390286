# RFC 5232 2 with RFC 5229: a key from a variable is a list, too.
require ["imap4flags", "variables"];
setflag "two"; set "k" "one two";
if hasflag "${k}" { redirect "a@example.com"; }
