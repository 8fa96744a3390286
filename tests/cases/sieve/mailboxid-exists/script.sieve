# RFC 9042 6: all of them.
require ["mailboxid"];
if mailboxidexists ["a", "b"] { redirect "a@example.com"; }
if mailboxidexists ["a", "c"] { discard; }
if not mailboxidexists "A" { redirect "b@example.com"; }
